"""Stands in for ComfyUI's main.py: answers GET /system_stats on --port, or fails in the way the environment says."""

import http.server
import os
import subprocess
import sys
import time

arguments = sys.argv[1:]
print("arguments:", *arguments, flush=True)
print("mark:", os.environ.get("ARMATURE_MARK"), flush=True)
print("threads wait:", os.environ.get("OMP_WAIT_POLICY"), flush=True)
behaviour = os.environ.get("BEHAVIOUR", "")
if behaviour == "fail":
    print("RuntimeError: no such device")
    raise SystemExit(1)
if behaviour == "hang":
    time.sleep(600)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET with an empty object."""

    def do_GET(self) -> None:
        """Answers."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


http.server.HTTPServer(("127.0.0.1", int(arguments[arguments.index("--port") + 1])), Handler).serve_forever()
