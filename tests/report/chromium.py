"""A headless Chromium that is driven over a pipe by its own protocol: nothing is installed but the browser."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Tab:
    """One page in a browser of its own."""

    def __init__(self, profile: Path, width: int = 1200, height: int = 900) -> None:
        """Start the browser."""
        self.asks, self.answers = os.pipe(), os.pipe()
        command = f'exec "$0" "$@" 3<&{self.asks[0]} 4>&{self.answers[1]}'
        flags = [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", command, str(BROWSER), *flags],
            pass_fds=(self.asks[0], self.answers[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(self.asks[0])
        os.close(self.answers[1])
        self.number, self.session, self.left, self.events = 0, None, b"", []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for end in (self.asks[1], self.answers[0]):
            os.close(end)

    def call(self, method, **parameters):
        """Send a command and give its result; events that come before it are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.asks[1], json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self.number:
                assert "error" not in found, (method, found["error"])
                return found["result"]
            self.events.append(found)

    def _next(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.left:
            ready, _, _ = select.select([self.answers[0]], [], [], max(end - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            self.left += os.read(self.answers[0], 1 << 20)
        message, self.left = self.left.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        """Load a page."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script):
        """Give the value of an expression of JavaScript."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, (script, found["exceptionDetails"])
        return found["result"].get("value")

    def wait(self, condition):
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"never came: {condition}"
            time.sleep(0.02)

    def press(self, key, text=""):
        """Press and let go of a key."""
        codes = {"Enter": 13, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "End": 35, "Home": 36, " ": 32}
        key_down = {"key": key, "windowsVirtualKeyCode": codes.get(key, 0), "text": {"Enter": "\r"}.get(key, text)}
        self.call("Input.dispatchKeyEvent", type="keyDown" if key_down["text"] else "rawKeyDown", **key_down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def write(self, text):
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    def complaints(self):
        """Give errors and warnings of the console, and exceptions."""
        self.run("1")
        said = [
            event["params"]
            for event in self.events
            if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
        ]
        return said + [
            event["params"]
            for event in self.events
            if event.get("method") == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "warning")
        ]

    def requests(self):
        """Give the addresses of everything that was asked for, but for what lies in the page itself."""
        sent = (event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent")
        addresses = [event["request"]["url"] for event in sent]
        return [address for address in addresses if not address.startswith(("data:", "blob:"))]

    def picture(self, path):
        """Write what is in view as PNG."""
        found = self.call("Page.captureScreenshot", format="png")
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def pretend(self, **features):
        """Set media features, such as ``prefers_color_scheme="dark"``, or the medium as ``media="print"``."""
        media = features.pop("media", "")
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=named)

    def resize(self, width, height):
        """Set the size of the window."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
