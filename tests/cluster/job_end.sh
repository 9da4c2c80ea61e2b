#!/bin/sh
# job_end.sh WAY EXIT_CODE MESSAGE COMMAND...: the command must end with that exit code, and print the message.
# For the way "signal" it is sent SIGUSR1 when it says that it is ready.
way=$1 expected=$2 message=$3
shift 3
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

"$@" "$way" >"$folder/output" 2>&1 &
job=$!
if [ "$way" = signal ]; then
    while kill -0 $job 2>/dev/null && ! grep -q ready "$folder/output"; do
        sleep 0.05
    done
    kill -USR1 $job
fi
wait $job
code=$?
cat "$folder/output"
if [ $code -ne "$expected" ]; then
    echo "exit code $code instead of $expected"
    exit 1
fi
if ! grep -qF "$message" "$folder/output"; then
    echo "no line with: $message"
    exit 1
fi
