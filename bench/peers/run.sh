#!/bin/sh
# run.sh measures poll/epoll and poll/io_uring beside servers of others that
# give the same reply, on one core: requests a second, and the CPU time that a
# request costs the server (all its threads, as the scheduler counts it). Where
# the load is slower than the servers the requests a second are its own and
# differ little; the CPU time still tells the servers apart.
#
#   bench/peers/run.sh [ROUNDS [SECONDS]]     7 rounds of 2 s unless told
#
# Every server runs all the time on CPU $SERVER_CPU (0), Go's with
# GOMAXPROCS=1; the load, on CPU $LOAD_CPU (1), visits one after the other, so
# that what the machine does meanwhile meets all of them. The ratio is taken
# within each round. Printed are medians, with the interval between order
# statistics that holds the true median with 95 % or more.
#
#   LOAD=wrk|switchyard   what puts the load on (wrk)
#   CLIENTS=N             connections (64)
#   SERVERS="…"           which servers, as named in the table (all); MODEL@PROGRAM
#                         is a model of the switchyard at the path PROGRAM, of an
#                         earlier version for one; the path begins with /
#   BASE=…                what the ratios are to (poll/epoll)
#   SERVE="…"             how to start our models (bin/switchyard serve)
#
# It installs nothing: what is missing is said, and left out.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
rounds=${1:-7}
seconds=${2:-2}
load=${LOAD:-wrk}
clients=${CLIENTS:-64}
server_cpu=${SERVER_CPU:-0}
load_cpu=${LOAD_CPU:-1}
serve=${SERVE:-$root/bin/switchyard serve}
base=${BASE:-poll/epoll}
servers=${SERVERS:-poll/epoll c/epoll poll/io_uring c/io_uring net/http fasthttp netpoll}

say() { echo "run.sh: $*" >&2; }
dir=$(mktemp -d)
pids=
stop() {
	for p in $pids; do kill "$p" 2>/dev/null || true; done
	wait
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM

for tool in taskset awk sort curl; do
	command -v $tool >/dev/null || { say "$tool is missing; consider: apt install util-linux mawk coreutils curl"; exit 1; }
done
case $load in
wrk) command -v wrk >/dev/null || { say "wrk is missing; consider: apt install wrk, or LOAD=switchyard"; exit 1; } ;;
switchyard) [ -x "$root/bin/switchyard" ] || { say "bin/switchyard is missing; consider: make build"; exit 1; } ;;
*) say "LOAD=$load: want wrk or switchyard"; exit 1 ;;
esac

# start NAME PORT COMMAND… runs a server and waits until it answers.
start() {
	name=$1 port=$2
	shift 2
	GOMAXPROCS=1 taskset -c "$server_cpu" "$@" >"$dir/log" 2>&1 &
	pid=$!
	pids="$pids $pid"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		if [ "$(curl -s -m 1 "http://127.0.0.1:$port/" 2>/dev/null)" = "one more served" ]; then
			echo "$name $port $pid" >>"$dir/ports"
			return
		fi
		sleep 0.1
	done
	say "$name does not serve and is left out: $(tail -1 "$dir/log")"
}

go_peer() {
	command -v go >/dev/null || { say "go is missing: $1 is left out"; return 1; }
	go build -o "$dir/$2" "./$2" 2>"$dir/log" || { say "$1 does not build and is left out: $(tail -1 "$dir/log")"; return 1; }
}

c_peer() {
	command -v cc >/dev/null || { say "a C compiler is missing, $1 is left out; consider: apt install gcc"; return 1; }
	cc -O2 -o "$dir/c_$2" "c/$2.c" 2>"$dir/log" || { say "$1 does not build and is left out: $(tail -1 "$dir/log")"; return 1; }
}

: >"$dir/ports"
port=${PORT:-19300}
for s in $servers; do
	port=$((port + 1))
	case $s in
	c/*) c_peer "$s" "${s#c/}" && start "$s" $port "$dir/c_${s#c/}" "127.0.0.1:$port" || true ;;
	net/http) go_peer "$s" nethttp && start "$s" $port "$dir/nethttp" "127.0.0.1:$port" || true ;;
	fasthttp | netpoll) go_peer "$s" "$s" && start "$s" $port "$dir/$s" "127.0.0.1:$port" || true ;;
	*@*) start "$s" $port "${s#*@}" serve "${s%%@*}" --listen "127.0.0.1:$port" ;;
	*) start "$s" $port $serve "$s" --listen "127.0.0.1:$port" ;;
	esac
done
grep -q "^$base " "$dir/ports" || { say "$base does not run, so there is nothing to compare with"; exit 1; }

# cpu PID prints the nanoseconds its threads have run.
cpu() {
	cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# visit PORT prints the requests and the requests a second.
visit() {
	if [ "$load" = wrk ]; then
		taskset -c "$load_cpu" wrk -t1 -c"$clients" -d"${seconds}s" "http://127.0.0.1:$1/" >"$dir/load"
		if grep -Eq 'Non-2xx|Socket errors' "$dir/load"; then
			say "port $1: $(grep -E 'Non-2xx|Socket errors' "$dir/load")"
		fi
		awk '/ requests in / { n = $1 } /^Requests\/sec/ { print n, $2 }' "$dir/load"
	else
		taskset -c "$load_cpu" "$root/bin/switchyard" load "http://127.0.0.1:$1/" --clients "$clients" \
			--duration "${seconds}s" --format json >"$dir/load" 2>/dev/null
		awk 'match($0, /"requests": *[0-9]+/) && !n { n = substr($0, RSTART + 11, RLENGTH - 11) + 0 }
			match($0, /"requests_per_second": *[0-9.]+/) && !r { r = substr($0, RSTART + 22, RLENGTH - 22) + 0 }
			END { print n, r }' "$dir/load"
	fi
}

# A line of results: round, server, requests a second, CPU µs a request.
: >"$dir/results"
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	while read -r name port pid; do
		before=$(cpu "$pid")
		got=$(visit "$port")
		echo "$round $name $got $before $(cpu "$pid")" |
			awk '{ print $1, $2, $4, ($3 > 0 ? ($6 - $5) / 1000 / $3 : 0) }' >>"$dir/results"
	done <"$dir/ports"
	say "round $round of $rounds"
done

# median prints the median of the numbers it reads, one a line, and the bounds
# of its interval.
median() {
	sort -n | awk '
		{ v[NR] = $1 }
		END {
			if (!NR) { print "0 0 0"; exit }
			# The widest pair of ranks k, n+1-k whose coverage, by the
			# binomial distribution with p = 1/2, is 95 % or more.
			k = 0; tail = 0; p = 0.5 ^ NR
			while (tail + p <= 0.025) { tail += p; p = p * (NR - k) / (k + 1); k++ }
			if (k < 1) k = 1
			m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			print m, v[k], v[NR + 1 - k]
		}'
}

echo "$(uname -sr), $load with $clients connections on CPU $load_cpu, servers on CPU $server_cpu, $rounds rounds of $seconds s"
printf '%-21s %10s %-17s %6s %-13s %7s %6s %-13s\n' server requests/s '' ratio '' CPU_µs ratio '' | tr _ ' '
while read -r name port pid; do
	for column in 3 4; do
		awk -v name="$name" -v c=$column '$2 == name && $c > 0 { print $c }' "$dir/results" | median
		awk -v name="$name" -v base="$base" -v c=$column '
			$2 == base { b[$1] = $c }
			$2 == name { v[$1] = $c }
			END { for (r in v) if (v[r] > 0 && b[r] > 0) print v[r] / b[r] }' "$dir/results" | median
	done | tr '\n' ' ' | awk -v name="$name" '{
		printf "%-21s %10.0f %-17s %6.3f %-13s %7.2f %6.3f %-13s\n", name,
			$1, sprintf("%.0f–%.0f", $2, $3), $4, sprintf("%.3f–%.3f", $5, $6),
			$7, $10, sprintf("%.3f–%.3f", $11, $12) }'
done <"$dir/ports"
echo "ratios are to $base in the same round; of the CPU time a request costs, less is better"
if [ "$rounds" -lt 6 ]; then
	echo "fewer than 6 rounds: the intervals are the least and the greatest, and hold less than 95 %"
fi
