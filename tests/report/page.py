#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Opens pages in headless Chromium, without scripts and network, at several widths and in both
colour schemes, and checks that every chart is there and legible.

    page.py [--shots DIR] [--charts N] PAGE.html...

Speaks to Chromium by --remote-debugging-pipe: the standard library is enough. Prints each fault and
exits with 1, or prints what was checked."""
import argparse
import base64
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

WIDTHS = (400, 760, 1400)
SCHEMES = ("light", "dark")
LEAST_FONT = 9.5  # pixels on the screen
LEAST_CONTRAST = 4.5

CHECK = r"""
(() => {
  const faults = [], charts = [];
  const name = e => (e.closest('figure') || {id: 'page'}).id;
  const say = (e, what) => faults.push(name(e) + ': ' + what);
  const shown = e => getComputedStyle(e).display !== 'none' && e.getClientRects().length > 0;
  // Corners of an element as it stands on the screen; texts without the room above and below.
  const corners = (e, trim) => {
    const b = e.getBBox(), m = e.getScreenCTM();
    const top = b.y + trim * b.height, bottom = b.y + (1 - trim) * b.height;
    return [[b.x, top], [b.x + b.width, top], [b.x + b.width, bottom], [b.x, bottom]].map(
      ([x, y]) => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f]);
  };
  const apart = (p, q) => { // whether an axis separates two convex quadrilaterals by its edges
    for (const shape of [p, q]) {
      for (let i = 0; i < 4; i++) {
        const [a, b] = [shape[i], shape[(i + 1) % 4]];
        const n = [b[1] - a[1], a[0] - b[0]], length = Math.hypot(...n) || 1;
        const along = s => s.map(c => (c[0] * n[0] + c[1] * n[1]) / length);
        const [u, v] = [along(p), along(q)];
        if (Math.max(...u) < Math.min(...v) + 0.75 || Math.max(...v) < Math.min(...u) + 0.75)
          return true;
      }
    }
    return false;
  };
  const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
  const luminance = c => {
    const [r, g, b] = c.slice(0, 3).map(v => {
      v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(rgb(a)), luminance(rgb(b))];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const page = getComputedStyle(document.body).backgroundColor;

  for (const figure of document.querySelectorAll('figure')) {
    const all = [...figure.querySelectorAll('svg.chart')], seen = all.filter(shown);
    if (all.length && seen.length !== 1) say(figure, seen.length + ' charts are shown, not one');
  }
  for (const svg of [...document.querySelectorAll('svg.chart')].filter(shown)) {
    const box = svg.getBoundingClientRect();
    charts.push({id: name(svg), x: box.x, y: box.y + scrollY, width: box.width, height: box.height});
    if (!svg.querySelector('title').textContent) say(svg, 'no title');
    if (!svg.querySelector('.mark, .bar')) say(svg, 'no mark');
    const scale = svg.getScreenCTM().a;
    const texts = [...svg.querySelectorAll('text')].map(e => ({e, at: corners(e, 0.14)}));
    const marks = [...svg.querySelectorAll('.mark')].map(e => ({e, at: corners(e, 0)}));
    if (!texts.length) say(svg, 'no text');
    for (const {e, at} of texts) {
      const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('');
      const style = getComputedStyle(e), size = parseFloat(style.fontSize) * scale;
      if (size < LEAST_FONT) say(svg, `"${own}" is ${size.toFixed(1)} pixels high`);
      for (const [x, y] of at) {
        if (x < box.left - 0.75 || x > box.right + 0.75 || y < box.top - 0.75 || y > box.bottom + 0.75) {
          say(svg, `"${own}" leaves the chart`);
          break;
        }
      }
      if (!e.classList.contains('inside') && contrast(style.fill, page) < LEAST_CONTRAST)
        say(svg, `"${own}" has a contrast of ${contrast(style.fill, page).toFixed(1)}`);
    }
    for (let i = 0; i < texts.length; i++) {
      for (let j = i + 1; j < texts.length; j++) {
        if (!apart(texts[i].at, texts[j].at))
          say(svg, `"${texts[i].e.textContent}" and "${texts[j].e.textContent}" overlap`);
      }
      for (const mark of marks) {
        if (!apart(texts[i].at, mark.at)) say(svg, `"${texts[i].e.textContent}" lies on a mark`);
      }
    }
    for (const e of svg.querySelectorAll('.mark, .bar')) {
      const fill = getComputedStyle(e).fill, stroke = getComputedStyle(e).stroke;
      const best = contrast(fill === 'none' ? stroke : fill, page);
      if (best < 3) say(svg, `a mark (${e.getAttribute('class')}) has a contrast of ${best.toFixed(1)}`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth)
    faults.push(`the page is ${document.documentElement.scrollWidth} pixels wide`);
  for (const e of document.querySelectorAll('h1, h2, h3, p, li, a, summary')) {
    if (!shown(e)) continue;
    const box = e.getBoundingClientRect();
    if (box.right > innerWidth + 0.5 || box.left < -0.5) faults.push(`"${e.textContent}" is cut`);
  }
  if (document.scripts.length) faults.push('the page has scripts');
  return JSON.stringify({faults: [...new Set(faults)], charts,
                         height: document.documentElement.scrollHeight});
})()
""".replace("LEAST_FONT", str(LEAST_FONT)).replace("LEAST_CONTRAST", str(LEAST_CONTRAST))


class Chromium:
    """A browser at the other end of two pipes: messages are JSON, each ended by a zero byte."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="onefold-chromium-")
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()

        def wire():  # the browser reads from 3 and writes to 4
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--force-color-profile=srgb", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=wire, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def read(self):
        while b"\0" not in self.buffer:
            got = os.read(self.answers, 1 << 16)
            if not got:
                raise RuntimeError("Chromium ended")
            self.buffer += got
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.read())

    def close(self):
        os.close(self.commands)
        self.process.wait(timeout=60)
        self.profile.cleanup()


def pixels(png):
    """(width, height, rows of RGB or RGBA bytes, bytes a pixel) of an 8-bit PNG."""
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (2, 6)
            step = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            data += body
        at += 12 + length
    raw, rows, above = zlib.decompress(data), [], bytes(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        kind, line = raw[start], bytearray(raw[start + 1:start + 1 + width * step])
        for x in range(len(line)):
            left = line[x - step] if x >= step else 0
            up, corner = above[x], above[x - step] if x >= step else 0
            if kind == 1:
                line[x] = (line[x] + left) & 255
            elif kind == 2:
                line[x] = (line[x] + up) & 255
            elif kind == 3:
                line[x] = (line[x] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                by = (abs(guess - left), abs(guess - up), abs(guess - corner))
                line[x] = (line[x] + (left, up, corner)[by.index(min(by))]) & 255
        above = bytes(line)
        rows.append(above)
    return width, height, rows, step


def blank_charts(browser, charts):
    """Charts whose pixels are nearly all of one colour."""
    for chart in charts:
        clip = {"x": chart["x"], "y": chart["y"], "width": chart["width"],
                "height": min(chart["height"], 400), "scale": 0.5}
        shot = browser.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        width, height, rows, step = pixels(base64.b64decode(shot["data"]))
        counts = {}
        for row in rows:
            for x in range(0, width * step, step):
                counts[row[x:x + 3]] = counts.get(row[x:x + 3], 0) + 1
        if len(counts) < 8 or max(counts.values()) > 0.995 * width * height:
            yield f"{chart['id']}: the chart is blank"


def check(browser, page, width, scheme, shots, least):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                 mobile=False)
    browser.call("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.events.clear()
    browser.call("Page.navigate", url=page.as_uri())
    browser.wait("Page.loadEventFired")
    result = browser.call("Runtime.evaluate", expression=CHECK)["result"]
    found = json.loads(result["value"])
    faults = found["faults"]
    asked = {e["params"]["request"]["url"] for e in browser.events
             if e.get("method") == "Network.requestWillBeSent"}
    faults += [f"the page asks for {url}" for url in asked - {page.as_uri()}]
    if len(found["charts"]) < least:
        faults.append(f"{len(found['charts'])} charts, not {least}")
    faults += list(blank_charts(browser, found["charts"]))
    if shots:
        clip = {"x": 0, "y": 0, "width": width, "height": found["height"], "scale": 1}
        shot = browser.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path = shots / f"{page.stem}-{width}-{scheme}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
    return len(found["charts"]), [f"{page.name} at {width}, {scheme}: {f}" for f in faults]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--shots", type=pathlib.Path, help="keep pictures of the pages here")
    parser.add_argument("--charts", type=int, default=1, help="a page has so many at least")
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    browser = Chromium(options.chromium)
    faults, charts = [], 0
    try:
        browser.call("Page.enable")
        browser.call("Network.enable")
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        for page in options.pages:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    count, new = check(browser, page.resolve(), width, scheme, options.shots,
                                       options.charts)
                    charts += count
                    faults += new
    finally:
        browser.close()
    for fault in faults:
        print(fault)
    print(f"{len(options.pages)} pages, {charts} charts drawn, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
