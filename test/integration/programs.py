# SPDX-License-Identifier: Apache-2.0
"""Programs that others wrote and the tests use: where they are, and an nginx of one's own."""

import os
import shutil
import subprocess

from gatehouse import wait_until


def tool(name, package):
    """Its path. These are dependencies of the tests (tools/install --test)."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise AssertionError(f"{name} is missing: tools/install --test installs {package}")
    return path


def run(*command, **arguments):
    """Runs it to its end; it must succeed."""
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, **arguments)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]}: {done.returncode}: {done.stderr[-2000:]}")
    return done


def nginx(test, directory, server):
    """Starts one that serves `server`, configuration text, until `test` ends. Its files are in
    `directory`, which is made. Returns its address, unix:PATH."""
    os.makedirs(os.path.join(directory, "www"))
    path = os.path.join(directory, "nginx.sock")
    conf = os.path.join(directory, "nginx.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(
            f"""
daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  keepalive_requests 1000000000;
  server {{
    listen unix:{path};
    root {directory}/www;
    {server}
  }}
}}
"""
        )
    with open(os.path.join(directory, "out"), "wb") as out:
        process = subprocess.Popen(
            [tool("nginx", "nginx"), "-p", directory, "-c", conf], stdout=out, stderr=out
        )
    test.addCleanup(lambda: (process.terminate(), process.wait(30)))
    wait_until(lambda: os.path.exists(path) or process.poll() is not None, "nginx listens")
    test.assertIsNone(process.poll(), "nginx did not start")
    return f"unix:{path}"
