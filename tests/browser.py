"""Headless Chromium that tells what a page asked for, ran and reported, for tests of the pages for people."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

KEYS = Keys


class Browser:
    """One window; `open` a file, then ask."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        for flag in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", "disable-dev-shm-usage"):
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

    def open(self, page: Path, width: int = 1100, scheme: str = "light") -> None:
        """Show a page in a window of a width, after forgetting what was logged before."""
        self._logged("performance")
        self._logged("browser")
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get(page.resolve().as_uri())

    def ask(self, script: str) -> Any:
        """What an expression of the page's own world gives."""
        return self.driver.execute_script(f"return {script}")

    def press(self, *keys: str) -> None:
        """Type keys wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def hold(self, key: str, repeated: bool) -> None:
        """A key goes down, or is still down and repeats itself."""
        event = {"type": "keyDown", "key": key, "text": key, "autoRepeat": repeated}
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)

    def alerted(self) -> bool:
        """Whether the page shows an alert."""
        try:
            self.driver.switch_to.alert.dismiss()
        except NoAlertPresentException:
            return False
        return True

    def requests(self) -> list[str]:
        """Addresses that the page has asked for since it was opened, its own included."""
        found = []
        for entry in self._logged("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def complaints(self) -> list[str]:
        """What the browser wrote to its console: errors, and what the policy kept from happening."""
        return [entry["message"] for entry in self._logged("browser")]

    def unnamed_images(self) -> list[str]:
        """Pictures that a screen reader meets without a name."""
        tree = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})
        pictures = [node for node in tree["nodes"] if node.get("role", {}).get("value") in ("img", "image")]
        return [
            node["nodeId"]
            for node in pictures
            if not node["ignored"] and not node.get("name", {}).get("value")
        ]

    def print(self) -> bytes:
        """The page as a printer gets it, as PDF."""
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])

    def _logged(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last time; that is forgotten."""
        found: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return found

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()
