"""What a log parser in logster's shape costs at least: a regular expression for each line, in Python 3."""

import re
import sys

ACCESS = re.compile(r'.*HTTP/1\.\d" (?P<status>\d{3}) .*')
POSTFIX = re.compile(
    r".*delay=(?P<delay>[^,]+),.*status=(?P<status>sent|deferred|bounced)"
)


class Access:
    def __init__(self):
        self.classes = {}

    def parse_line(self, line):
        match = ACCESS.match(line)
        if match:
            status = match.groupdict()["status"][0] + "xx"
            self.classes[status] = self.classes.get(status, 0) + 1

    def report(self):
        return self.classes


class Postfix:
    def __init__(self):
        self.statuses = {}
        self.delay = 0.0

    def parse_line(self, line):
        match = POSTFIX.match(line)
        if match:
            found = match.groupdict()
            status = found["status"]
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == "sent":
                self.delay += float(found["delay"])

    def report(self):
        return {**self.statuses, "delay": self.delay}


parser = Access() if sys.argv[1] == "access" else Postfix()
with open(sys.argv[2], encoding="utf-8", errors="replace") as log:
    for line in log:
        parser.parse_line(line)
print(parser.report())
