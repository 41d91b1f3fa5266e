#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Extract and compile the examples of a manual.

usage: snippets.py MANUAL.rst DIRECTORY [COMPILER [FLAG...]]

In the manual, a comment in front of a block of C names it:

    .. snippet: NAME [ARGUMENT...] [with PART...] -> OUTPUT

Each such block, behind the parts that it names, must compile without a
warning, and print OUTPUT when it runs. A part is a block with a comment
"snippet-part: NAME"; every part must be used. A block of C without either
comment is an error, as nothing would test it.

DIRECTORY gets NAME.c and NAME for each, and "list": a line "NAME", tab,
"ARGUMENT...", tab, "OUTPUT" for each, for docs.sh.
"""

import os
import re
import subprocess
import sys
import textwrap

MARK = re.compile(r'^\.\. snippet(-part)?: (\S+)(.*)$')


def parse(text):
    """The marks of the manual, each with the lines of its block."""
    blocks, mark, lines = [], None, iter(text.splitlines())
    for line in lines:
        if MARK.match(line):
            mark = MARK.match(line)
        elif line.startswith('.. code-block:: c'):
            if not mark:
                raise SystemExit(f'snippets: a block without a name: {line}')
            body = []
            for line in lines:
                if line and not line.startswith(' '):
                    break
                body.append(line)
            blocks.append((mark, textwrap.dedent('\n'.join(body)).strip()))
            mark = MARK.match(line)
        elif line and mark:
            raise SystemExit(f'snippets: no block of C follows {mark[0]}')
    return blocks


def collect(blocks):
    """(name, arguments, output, source) for each snippet."""
    parts, used, snippets = {}, set(), []
    for mark, body in blocks:
        if mark[1]:
            parts[mark[2]] = body
            continue
        head, found, output = mark[3].partition('->')
        arguments, _, wanted = head.partition(' with ')
        if not found or not output.strip():
            raise SystemExit(f'snippets: no output is given: {mark[0]}')
        used.update(wanted.split())
        source = [parts[name] for name in wanted.split()] + [body]
        snippets.append((mark[2], arguments.strip(), output.strip(),
                         '\n\n'.join(source) + '\n'))
    names = [snippet[0] for snippet in snippets]
    if len(set(names)) != len(names) or used != set(parts):
        raise SystemExit('snippets: a name is used twice, or a part never')
    return snippets


def main(argv):
    manual, directory, compiler = argv[0], argv[1], argv[2:] or ['cc']
    with open(manual) as file:
        snippets = collect(parse(file.read()))
    os.makedirs(directory, exist_ok=True)
    for name, _, _, source in snippets:
        path = os.path.join(directory, name)
        with open(f'{path}.c', 'w') as file:
            file.write(source)
        subprocess.run(compiler + ['-Wall', '-Wextra', '-Werror', '-o', path,
                                   f'{path}.c'], check=True)
    with open(os.path.join(directory, 'list'), 'w') as file:
        for name, arguments, output, _ in snippets:
            file.write(f'{name}\t{arguments}\t{output}\n')


if __name__ == '__main__':
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
