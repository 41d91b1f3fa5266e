# SPDX-License-Identifier: GPL-2.0
"""Read TAP strictly: what is missing, cut short or unclear is a failure; and
write it, for programs of the host whose cases run machines."""

import concurrent.futures
import re

RESULT = re.compile(r'^(not )?ok(?:\s+(\d+))?(?:\s+-)?(?:\s+(.*))?$')
DIRECTIVE = re.compile(r'^(.*?)\s*#\s*(SKIP|TODO|XFAIL)\b\s*(.*)$', re.I)
PLAN = re.compile(r'^1\.\.(\d+)(?:\s*#\s*SKIP\b\s*(.*))?$', re.I)


class Subtest:
    """One result line; verdict is 'ok', 'not ok' or 'skip'."""

    def __init__(self, name, verdict, reason=''):
        self.name, self.verdict, self.reason = name, verdict, reason


class Report:
    """The subtests of a program, and the errors of its TAP."""

    def __init__(self):
        self.subtests, self.errors, self.plan = [], [], None
        self.skipped = None     # the reason, if all of it was skipped

    def names(self):
        return [s.name for s in self.subtests]


def parse_result(match, report, notes):
    negative, number, rest = match[1], match[2], (match[3] or '').strip()
    directive = DIRECTIVE.match(rest)
    verdict = 'not ok' if negative else 'ok'
    reason = ''
    if directive:
        rest, kind = directive[1].strip(), directive[2].upper()
        reason = directive[3].strip()
        # An expected failure is no way to be green here.
        verdict = 'skip' if kind == 'SKIP' and not negative else 'not ok'
        if kind != 'SKIP':
            reason = f'{kind} is not accepted: {reason}'
    if verdict == 'not ok' and not reason:
        reason = '; '.join(notes[-3:])
    expected = len(report.subtests) + 1
    if number is None or int(number) != expected:
        report.errors.append(f'result {number} where {expected} was expected')
    if not rest:
        report.errors.append(f'result {expected} has no name')
    if rest in report.names():
        report.errors.append(f'two results are named {rest}')
    report.subtests.append(Subtest(rest, verdict, reason))


def parse(lines):
    """A Report of a program's output, which may hold other lines as well."""
    report, notes = Report(), []
    for line in lines:
        line = line.rstrip('\r\n')
        plan, match = PLAN.match(line), RESULT.match(line)
        if plan:
            if report.plan is not None:
                report.errors.append('more than one plan')
            report.plan = int(plan[1])
            report.skipped = plan[2]
        elif match:
            parse_result(match, report, notes)
            notes = []
        elif line.startswith('Bail out!'):
            report.errors.append(line)
        elif re.match(r'^\s+(not )?ok \d', line):
            report.errors.append(f'nested TAP is not accepted: {line.strip()}')
        elif line.startswith('#'):
            notes.append(line[1:].strip())
    if report.plan is None:
        report.errors.append('no plan line: the TAP is cut short')
    elif report.plan != len(report.subtests):
        report.errors.append(f'{len(report.subtests)} results where the plan '
                             f'says {report.plan}: the TAP is cut short')
    return report


def run_jobs(jobs):
    """Call them, two at a time; each returns {case: problem or None}."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda job: job(), jobs))
    return {name: problem for result in results
            for name, problem in result.items()}


def report(cases):
    """Print TAP of the cases; the status for the program to end with."""
    print('TAP version 13')
    print(f'1..{len(cases)}')
    for number, (name, problem) in enumerate(cases.items(), 1):
        if problem:
            print(f'# {problem}')
        print(f'{"not " if problem else ""}ok {number} {name}')
    return 1 if any(cases.values()) else 0
