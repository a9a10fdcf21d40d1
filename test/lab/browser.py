# SPDX-License-Identifier: GPL-2.0
"""A headless Chromium, spoken to over its debugging pipe."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
TIMEOUT_S = 60


class BrowserError(Exception):
    pass


def find():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser with one page. Events are kept for whoever asks."""

    def __init__(self, path):
        self.profile = tempfile.TemporaryDirectory(prefix='cint-browser.')
        commands, self.write_fd = os.pipe()
        self.read_fd, answers = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        start = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        arguments = [
            'bash', '-c', start, 'browser', str(commands), str(answers), path,
            '--headless=new', '--remote-debugging-pipe', '--disable-gpu',
            '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
            '--disable-background-networking', '--hide-scrollbars',
            f'--user-data-dir={self.profile.name}', 'about:blank']
        if os.geteuid() == 0:
            arguments.insert(-1, '--no-sandbox')
        self.process = subprocess.Popen(
            arguments, pass_fds=(commands, answers), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self.buffer = b''
        self.last_id = 0
        self.events = []
        self.session = None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target,
                                 flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(domain + '.enable')

    def receive(self, end):
        while b'\0' not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.read_fd], [], [], left)[0]:
                raise BrowserError('the browser does not answer')
            data = os.read(self.read_fd, 1 << 20)
            if not data:
                raise BrowserError('the browser ended')
            self.buffer += data
        message, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, **params):
        self.last_id += 1
        message = {'id': self.last_id, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        data = json.dumps(message).encode() + b'\0'
        while data:
            data = data[os.write(self.write_fd, data):]
        end = time.monotonic() + TIMEOUT_S
        while True:
            answer = self.receive(end)
            if answer.get('id') == self.last_id:
                if 'error' in answer:
                    raise BrowserError(f'{method}: {answer["error"]["message"]}')
                return answer['result']
            self.events.append(answer)

    def wait_for(self, method):
        end = time.monotonic() + TIMEOUT_S
        while True:
            for event in self.events:
                if event.get('method') == method:
                    self.events.remove(event)
                    return event['params']
            self.events.append(self.receive(end))

    def show(self, url, width, height, scheme):
        """Load a page at a size, in a colour scheme (light or dark)."""
        self.events.clear()
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme', 'value': scheme}])
        self.call('Page.navigate', url=url)
        self.wait_for('Page.loadEventFired')

    def evaluate(self, expression):
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise BrowserError(answer['exceptionDetails']['text'])
        return answer['result'].get('value')

    def complaints(self):
        """Console errors, exceptions and log entries since the page was loaded."""
        found = []
        for event in self.events:
            params = event.get('params', {})
            if event.get('method') == 'Runtime.exceptionThrown':
                found.append(params['exceptionDetails']['text'])
            elif event.get('method') == 'Runtime.consoleAPICalled' and \
                    params['type'] in ('error', 'warning', 'assert'):
                found.append(str(params['args']))
            elif event.get('method') == 'Log.entryAdded' and \
                    params['entry']['level'] in ('error', 'warning'):
                found.append(params['entry']['text'])
        return found

    def requests(self):
        return [event['params']['request']['url'] for event in self.events
                if event.get('method') == 'Network.requestWillBeSent']

    def screenshot(self, selector):
        """A PNG of the element, base64."""
        box = self.evaluate(
            f"(() => {{ const box = document.querySelector('{selector}')"
            ".getBoundingClientRect(); return {x: box.x + scrollX, y: box.y + scrollY, "
            "width: box.width, height: box.height, scale: 1}; })()")
        return self.call('Page.captureScreenshot', captureBeyondViewport=True,
                         clip=box)['data']

    def close(self):
        for descriptor in (self.write_fd, self.read_fd):
            os.close(descriptor)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()
