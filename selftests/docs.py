#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compare Documentation/ with the source: a line for each thing that is in
only one of them, status 1 if there is any.

- counters, sysctls, options and reset reasons: in both, or in neither;
- the tables of states, against state.c itself; the numbers of the steps;
- functions, files and tests that are named: they must exist;
- how long each suite and lane may take: as in check;
- the planted bugs: as their files say.
"""

import ctypes
import glob
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORE = 'net/tether/core'
# Named in internals.rst, but not called by us: they call us, or are calls of
# programs.
OUTSIDE = {'netif_receive_skb', 'sock_wfree', 'socket', 'bind', 'connect',
           'poll'}
findings = []


def read(path):
    with open(os.path.join(TOP, path), errors='replace') as file:
        return file.read()


def say(where, what):
    findings.append(f'{where}: {what}')


def compare(what, doc, documented, source, known):
    for name in sorted(set(documented) - set(known)):
        say(doc, f'{what} {name} is not in {source}')
    for name in sorted(set(known) - set(documented)):
        say(source, f'{what} {name} is not in {doc}')


def section(text, mark):
    """What stands between the comment `.. mark` and the next title or mark."""
    found = re.search(rf'^\.\. {re.escape(mark)}$(.*?)(?=^\.\. |^[^\n]+\n[=-]+$|\Z)',
                      text, re.M | re.S)
    return found[1] if found else ''


def rows(text):
    """First words of the rows of the first table, but for the heading."""
    table = text.strip().partition('\n\n')[0]
    return re.findall(r'^([a-z][a-z0-9_]*)\s', table, re.M)


def strings(text, start):
    """The string constants of the initializer that begins with `start`."""
    return re.findall(r'"(\w+)"', text[text.index(start):].split('};')[0])


def check_counters():
    manual, doc = read('Documentation/tether.rst'), 'tether.rst'
    names = {'': strings(read('net/tether/proc.c'), 'shell_stats['),
             'did_': strings(read(f'{CORE}/conn.c'), 'names[TETHER_DID_MAX]'),
             'drop_': strings(read(f'{CORE}/wire.c'), 'names[TETHER_DROP_MAX]')}
    names['drop_'].remove('none')
    for prefix, known in names.items():
        mark = f'counters: {prefix}' if prefix else 'counters'
        compare(f'counter {prefix}', doc, rows(section(manual, mark)),
                'the source', known)
    reasons = strings(read(f'{CORE}/wire.c'), 'names[TETHER_REASON_MAX]')
    listed = re.findall(r'``(\w+)``',
                        section(manual, 'counters: rst_out_ rst_in_'))
    compare('counter rst_out_', doc, listed, 'the source', reasons)
    table = re.findall(r'^(\d+) +([A-Z_]+)  ', read('Documentation/protocol.rst')
                       .partition('2.4. Reasons')[2].partition('2.5.')[0], re.M)
    compare('reason', 'protocol.rst', [f'{n} {name}' for n, name in table],
            'the source', [f'{n} {r.upper()}' for n, r in enumerate(reasons)])


def check_sysctls():
    source = read('net/tether/sysctl.c')
    known = re.findall(r'\bENTRY\("(\w+)"|procname\s*=\s*"(\w+)"', source)
    known = [a or b for a, b in known]
    for macro, suffix in re.findall(r'^#define (\w+)\(name.*\\\n\tENTRY\(#name'
                                    r'(?: "(\w+)")?', source, re.M):
        known += [name + suffix for name in
                  re.findall(rf'^\t{macro}\((\w+)', source, re.M)]
    compare('sysctl', 'tether.rst',
            rows(section(read('Documentation/tether.rst'), 'sysctls')),
            'sysctl.c', known)
    fields = set(re.findall(r'^\tu\d+\t(\w+);', read(f'{CORE}/config.h'), re.M))
    for name in set(re.findall(r'``([a-z]+_[a-z_]+|retries)``',
                               read('Documentation/protocol.rst'))):
        if name not in fields | set(known):
            say('protocol.rst', f'{name} is no parameter')


def check_options():
    known = re.findall(r'^#define (TETHER_\w+)\t+\d+\t/\* int',
                       read('include/uapi/linux/tether.h'), re.M)
    documented = re.findall(r'^(TETHER_\w+) \(\d+, an int\)$',
                            read('Documentation/tether.rst'), re.M)
    compare('option', 'tether.rst', documented, 'tether.h', known)


def check_states():
    """Every cell of the tables, against what state.c does."""
    with tempfile.TemporaryDirectory() as directory:
        library = os.path.join(directory, 'state.so')
        subprocess.run(['cc', '-shared', '-fPIC', '-o', library,
                        '-Iselftests/unit/shim', '-Iinclude/uapi',
                        f'{CORE}/state.c'], check=True, cwd=TOP)
        core = ctypes.CDLL(library)
    core.tether_state_name.restype = ctypes.c_char_p
    header = read(f'{CORE}/state.h')
    events = re.findall(r'^\tTETHER_EV_(\w+),', header, re.M)
    states = {core.tether_state_name(i).decode(): i for i in range(1, 12)}
    seen = set()
    text = read('Documentation/protocol.rst')
    for mark in re.findall(r'^\.\. (state table: [A-Z_ ]+)$', text, re.M):
        columns = mark.split()[2:]
        for line in section(text, mark).splitlines():
            cells = re.split(r'\s{2,}', line.strip())
            if cells[0] not in states:
                continue
            for event, cell in zip(columns, cells[1:]):
                state = ctypes.c_int(states[cells[0]])
                act = core.tether_state_next(ctypes.byref(state),
                                             events.index(event))
                name = core.tether_state_name(state).decode()
                want = '!' if act & 0x80 else ' '.join(filter(None, (
                    r'\-' if name == cells[0] else name,
                    ''.join(c for i, c in enumerate('safrowg')
                            if act >> i & 1))))
                seen.add((cells[0], event))
                if cell != want:
                    say('protocol.rst', f'{cells[0]}, {event}: {cell}, '
                                        f'but state.c: {want}')
    if len(seen) != len(states) * len(events):
        say('protocol.rst', 'the tables of states are not complete')


def check_steps():
    text, steps = '', set()
    for path in glob.glob(os.path.join(TOP, CORE, '*.c')):
        text += read(os.path.relpath(path, TOP))
    for first, last in re.findall(r'Steps? (\d+)(?: (?:to|and) (\d+))?', text):
        steps.update(range(int(first), int(last or first) + 1))
    documented = [int(n) for n in
                  re.findall(r'^(\d+)\. {1,2}\S', read('Documentation/protocol.rst')
                             .partition('\n6. Arrival')[2]
                             .partition('\n8. TIME_WAIT')[0], re.M)]
    compare('step', 'protocol.rst', documented, 'the core', steps)


def check_names():
    source = ''.join(read(os.path.relpath(path, TOP)) for path in
                     glob.glob(os.path.join(TOP, 'net/tether/**/*.[ch]'),
                               recursive=True) +
                     glob.glob(os.path.join(TOP, 'include/uapi/linux/*.h')))
    words = set(re.findall(r'\w+', source))
    for path in glob.glob(os.path.join(TOP, 'Documentation', '*.rst')):
        doc, text = os.path.basename(path), read(os.path.relpath(path, TOP))
        names = set(re.findall(r'\b((?:TETHER|tether)_\w+)\b', text))
        if doc == 'internals.rst':
            names |= set(re.findall(r'\b(\w+)\(\)', text)) - OUTSIDE
        for name in sorted(names - words - {'TETHER_KO'}):
            say(doc, f'{name} is not in the source')
        for name in set(re.findall(r'(?<!/)\b((?:net/tether|include|selftests|tools)/'
                                   r'[\w./+-]*\w)', text)):
            if 'SUITE' not in name and \
                    not os.path.exists(os.path.join(TOP, name)):
                say(doc, f'there is no {name}')
    listed = set(re.findall(r'^((?:net/tether|include)/\S+)\s',
                            read('Documentation/internals.rst'), re.M))
    for path in glob.glob(os.path.join(TOP, 'net/tether/**/*.c'),
                          recursive=True):
        if os.path.relpath(path, TOP) not in listed:
            say('internals.rst', f'{os.path.relpath(path, TOP)} is missing')


def check_tests():
    """``SUITE/PROGRAM`` or ``SUITE/PROGRAM TEST`` in testing.rst: both exist."""
    for suite, program, test in re.findall(
            r'``(unit|sim|sock|net)/([\w.-]+)(?: (\w+))?``',
            read('Documentation/testing.rst')):
        path = f'selftests/{suite}/{program}'
        path += '' if '.' in program else '.c'
        if not os.path.exists(os.path.join(TOP, path)):
            say('testing.rst', f'there is no {path}')
        elif test and not re.search(rf'[( "]{test}[)"]', read(path)):
            say('testing.rst', f'{path} has no {test}')


def check_budgets():
    text = read('selftests/check').partition('BUDGETS = {')[2].partition('}')[0]
    known = [' '.join(pair) for pair in re.findall(r"'(.*?)': (\d+)", text)]
    table = re.findall(r'^(\w[\w./ ]*?) +(\d+)$',
                       section(read('Documentation/testing.rst'), 'budgets'), re.M)
    compare('budget', 'testing.rst', [' '.join(row) for row in table], 'check',
            known)


def check_board():
    board = os.path.join(TOP, 'selftests/board/board')
    table = subprocess.run([board, '--table'], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    written = read('Documentation/testing.rst').partition('.. board\n\n')[2]
    if not written.startswith(table + '\n'):
        say('testing.rst', 'the bugs are not those that "board --table" prints')
    planned = re.findall(r'^board: ((?!clean_).*)$', read('selftests/board/plan'),
                         re.M)
    patches = glob.glob(os.path.join(TOP, 'selftests/board/*.patch'))
    compare('bug', 'board/plan', planned, 'selftests/board',
            [os.path.basename(p)[:-len('.patch')] for p in patches])


def main():
    for check in (check_counters, check_sysctls, check_options, check_states,
                  check_steps, check_names, check_tests, check_budgets,
                  check_board):
        check()
    print(*findings, sep='\n', end='\n' if findings else '')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
