#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The examples of the manual print what the manual says. snippets.py has made
# them, and the list of them.

cd "$(dirname "$0")/snippets" || exit 1
tab=$(printf '\t')
number=0
failed=0

echo "TAP version 13"
echo "1..$(wc -l <list)"
while IFS= read -r line; do
	name=${line%%"$tab"*}
	line=${line#*"$tab"}
	arguments=${line%%"$tab"*}
	wanted=${line#*"$tab"}
	number=$((number + 1))
	# shellcheck disable=SC2086
	seen=$("./$name" $arguments 2>&1 </dev/null)
	status=$?
	if [ $status = 0 ] && [ "$seen" = "$wanted" ]; then
		echo "ok $number snippet: $name"
	else
		echo "# exit status $status, printed: $seen"
		echo "# the manual says: $wanted"
		echo "not ok $number snippet: $name"
		failed=$((failed + 1))
	fi
done <list
[ $failed = 0 ]
