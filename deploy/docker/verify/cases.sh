#!/bin/bash
# The case list, asked from outside like any client. Sourced by verify.sh, which sets: compose (array), outside (array), proxy, entry, folder.
passed=0 failed=0

# is NAME EXPECTED ACTUAL
is() {
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok - $proxy: $1"
  else failed=$((failed + 1)); printf 'not ok - %s: %s\n  expected: %s\n  found:    %s\n' "$proxy" "$1" "$2" "$3"; fi
}

alice=(-H 'Authorization: Bearer demoAccessTokenOfAlice0000000000')
bob_cookie='session=b0b00000-0000-4000-8000-0000000000c2.demoSessionCookieOfBob0000000000'
bob=(-H "Cookie: $bob_cookie")
bob_id=b0b00000-0000-4000-8000-000000000002

ask() { "${outside[@]}" curl -s --max-time 10 --path-as-is "$@"; }
status() { local path=$1; shift; ask -o /dev/null -w '%{http_code}' "$@" "$entry$path"; }
# field JAVASCRIPT: of the JSON on stdin
field() { node -e "const answer = JSON.parse(require('node:fs').readFileSync(0, 'utf8')); console.log($1)" 2>&1 | tail -n 1; }
# inside SERVICE INDEX WHAT ARGUMENT
inside() { docker exec -i "$(container "$1" "$2")" node --input-type=module - "$3" "$4" <"$folder/inside.mjs" 2>&1 | tail -n 1; }
container() { docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1" --filter "label=com.docker.compose.container-number=${2:-1}"; }
# kill SERVICE INDEX: by SIGKILL, as a machine's death does; Docker does not restart what was killed by hand
kill_one() { docker kill "$(container "$1" "$2")" >/dev/null; is "$1 $2 is dead" exited "$(docker inspect -f '{{.State.Status}}' "$(container "$1" "$2")")"; }
revive() { docker start "$(container "$1" "$2")" >/dev/null; }
# ten PATH CURL-ARGUMENTS…: the different statuses of ten requests, one after another
ten() { for _ in $(seq 10); do status "$@"; echo; done | sort -u | xargs; }
# until_is EXPECTED COMMAND…: for 20 s at most
until_is() { for _ in $(seq 100); do [ "$("${@:2}")" = "$1" ] && break; sleep 0.2; done; "${@:2}"; }

cases_access() {
  is 'nobody is refused' 401 "$(status /)"
  [ "$proxy" = nginx ] || # which throws a refusal's body away
    is 'and told why' no_credentials "$(ask "$entry/" | field answer.error)"
  is 'a token reaches the app with its identity' a11ce000-0000-4000-8000-000000000001 "$(ask "${alice[@]}" "$entry/" | field answer.user)"
  is 'a session cookie does' "$bob_id" "$(ask "${bob[@]}" "$entry/" | field answer.user)"
  is 'a cookie that Authgear does not know is refused' 401 "$(status / -H 'Cookie: session=b0b00000-0000-4000-8000-0000000000c2.wrong')"
  is 'identity headers without a session are refused' 401 "$(status / -H 'X-Authgear-User-Id: admin' -H 'X-Authgear-Session-Valid: true')"
  is 'the app does not see roles that a client writes' '[]' \
    "$(ask "${bob[@]}" -H 'X-Authgear-User-Roles: admin' -H 'x-AUTHGEAR-user-roles: admin' -H 'X_Authgear_User_Roles: admin' "$entry/" | field 'JSON.stringify(answer.roles)')"
  is 'a policy refuses who lacks the role' 403 "$(status /admin "${bob[@]}")"
  is 'in any spelling of its path' '403 403' "$(status /ADMIN/x "${bob[@]}") $(status /%61dmin "${bob[@]}")"
  is 'and allows a user who has it' 200 "$(status /admin "${alice[@]}")"
  is 'a path that proxy and app would read differently is refused' 400 "$(status /x%2f..%2fadmin "${bob[@]}")"
  is 'the login has its routes, and nothing on them without a client' '404 404' "$(status '/_auth/login?rd=x') $(status /_auth/logged-out)"
  is 'the webhook has its route, and nothing on it without a secret' 404 "$(status /_auth/webhook -X POST)"
  is 'another host name leads nowhere' "$nowhere" "$(status / "${alice[@]}" -H 'Host: other.example')"
}

# by the page of the simulated Authgear, as a browser does
cases_login() {
  local cookie
  [ "$proxy" = nginx ] || # which throws the body of a refusal away
    is 'the page for nobody leads to the login' 1 "$(ask -H 'Accept: text/html' "$entry/" | grep -c '<a href="/demo-login?rd=/">Sign in</a>')"
  cookie=$(ask -o /dev/null -D - -d 'user=bob&rd=/' "$entry/demo-login" | tr -d '\r' | sed -nE 's/^[Ss]et-[Cc]ookie: ([^;]+).*/\1/p')
  is 'who signs in gets a session' "$bob_id" "$(ask -H "Cookie: $cookie" "$entry/" | field answer.user)"
}

cases_isolation() {
  is 'one port is published to the world, the proxy'"'"'s' "$proxy" "$("${compose[@]}" ps --format json | node -e "
    const rows = require('node:fs').readFileSync(0, 'utf8').trim().split('\n').map(line => JSON.parse(line)).flat()
    const isOpen = (one) => one.PublishedPort > 0 && one.URL !== '127.0.0.1'
    console.log(rows.filter(row => (row.Publishers ?? []).some(isOpen)).map(row => row.Service).join())")"
  local address
  address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(container app)")
  is 'forward-auth finds no way to the app, by name or address' 'no way, no way' "$(inside forward-auth 1 reach "http://app:8080 http://$address:8080")"
  is 'the app finds none to forward-auth, Redis or the Internet' 'no way, no way, no way' \
    "$(inside app 1 reach 'http://forward-auth:4181/livez http://redis:6379 http://192.0.2.1')"
}

# on this machine's loopback, each replica's own
cases_status_page() {
  local replica address
  for replica in 1 2; do
    address=$(docker port "$(container forward-auth "$replica")" 4181)
    is "the status page of replica $replica is on loopback" '127.0.0.1 200' "${address%:*} $(ask -o /dev/null -w '%{http_code}' "http://localhost:${address##*:}/")"
  done
}

# check refuses a configuration in which no user can sign in, before anything else starts
cases_check() {
  local log="$work/check.log"
  AUTHGEAR_ENDPOINT=https://auth.home.example docker compose -f docker-compose.yml -p "$project-check" up -d --no-build --wait >"$log" 2>&1
  is 'the demo with a real Authgear does not start' 1 $?
  is 'and says why' 'deploy/compose/https.yml' "$(docker compose -p "$project-check" logs check 2>&1 | grep -o 'deploy/compose/https.yml' | head -n 1)"
  is 'nothing else runs' '' "$(docker ps -q --filter "label=com.docker.compose.project=$project-check")"
  docker compose -f docker-compose.yml -p "$project-check" down -v -t 1 >/dev/null 2>&1
}

secure() { ask -k --connect-to "::localhost:$HTTPS_PORT" -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Dest: document' "$@"; }
# a person's first steps, without Authgear: that one is simulated in test/e2e/https
cases_https() {
  is 'http leads to https' "https://$APP_HOST" "$(ask -o /dev/null -w '%{redirect_url}' -H "Host: $APP_HOST" "$entry/" | grep -oE '^https://[^:/]+')"
  is 'a page leads to the login' "302 https://$APP_HOST/_auth/login" "$(secure -o /dev/null -w '%{http_code} %{redirect_url}' "https://$APP_HOST/deep" | cut -d '?' -f 1)"
  is 'and the login to Authgear' "$AUTHGEAR_ENDPOINT/oauth2/authorize" "$(secure -o /dev/null -w '%{redirect_url}' "https://$APP_HOST/_auth/login?rd=https://$APP_HOST/deep" | cut -d '?' -f 1)"
  is 'a program is refused' 401 "$(ask -k --connect-to "::localhost:$HTTPS_PORT" -o /dev/null -w '%{http_code}' "https://$APP_HOST/")"
  is 'the webhook is off' 404 "$(secure -o /dev/null -w '%{http_code}' -X POST "https://$APP_HOST/_auth/webhook")"
}

# of all that run; Docker gives the capabilities that were added back as a list
cases_hardening() {
  local id name
  while read -r id name; do
    is "$name: read-only, no capabilities, no new privileges, limits" 'true [ALL] [no-new-privileges:true] limited' "$(docker inspect -f \
      '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{if and .HostConfig.Memory .HostConfig.NanoCpus .HostConfig.PidsLimit}}limited{{end}}' "$id")"
  done < <(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | sort -k 2)
  is 'forward-auth is nobody' 65532:65532 "$(docker inspect -f '{{.Config.User}}' "$(container forward-auth)")"
}

cases_image() {
  local size
  size=$(docker image inspect -f '{{.Size}}' authgear-forward-auth)
  is "the image has less than 200 MB ($((size / 1000000)))" yes "$([ "$size" -lt 200000000 ] && echo yes)"
  is 'it runs on a read-only root with nothing else' '0.1.0' "$(docker run --rm --read-only --cap-drop ALL --network none authgear-forward-auth --version | cut -d ' ' -f 1)"
  is 'a wrong configuration is named, exit 1' 'AUTHGEAR_ENDPOINT 1' \
    "$(docker run --rm --network none authgear-forward-auth check 2>&1 | grep -o 'AUTHGEAR_ENDPOINT' | head -n 1) $(docker run --rm --network none authgear-forward-auth check >/dev/null 2>&1; echo $?)"
}

# README.md's command, as a reader copies it
cases_one_container() {
  local command begun=$SECONDS
  command=$(grep '^docker run -d --name forward-auth ' README.md)
  is 'the command of README.md starts' 0 "$(eval "$command" >/dev/null 2>"$work/one.log"; echo $?)"
  is 'and answers on loopback' 401 "$(until_is 401 ask -o /dev/null -w '%{http_code}' http://127.0.0.1:4180/verify)"
  echo "# one container: $((SECONDS - begun)) s from the command to the first answer"
  is 'its login leads to Authgear' https://myapp.authgear.cloud/oauth2/authorize \
    "$(ask -o /dev/null -w '%{redirect_url}' -H 'Host: app.example.com' 'http://127.0.0.1:4180/_auth/login' | cut -d '?' -f 1)"
  docker rm -f forward-auth >/dev/null
}

# by as many requests as ended the process before it had a budget, twice over: test/integration/flood.all.test.ts
cases_flood() {
  is 'in 128 MiB it outlives junk with four credentials' 'outlived' \
    "$(FLOOD_IMAGE=authgear-forward-auth "${outside[@]}" node_modules/.bin/tap --disable-coverage --reporter=tap test/integration/flood.all.test.ts >"$work/flood.log" 2>&1 && echo outlived)"
  grep 'flood:' "$work/flood.log"
  awk -f test/failures.awk "$work/flood.log"
}

as_forward_auth() { docker exec "$(container redis)" redis-cli --no-auth-warning --user forward-auth --pass "$password" "$@" 2>&1 | grep -oE 'NOPERM|WRONGPASS|OK' | head -n 1; }

cases_redis_rights() {
  local password
  password=$(docker exec "$(container forward-auth)" node -p "require('node:fs').readFileSync('/secrets/redis_password', 'utf8')")
  is 'both replicas follow the log in Redis' 'up up' "$(inside forward-auth 1 ready redis) $(inside forward-auth 2 ready redis)"
  is 'its user may write its own keys' OK "$(as_forward_auth set forward-auth:verify 1 px 1000)"
  local command
  for command in 'set other 1' 'get other' 'keys *' 'flushall' 'config get *' 'acl list' 'script flush' 'client list' 'publish a b'; do
    # shellcheck disable=SC2086 # words of one command
    is "its user may not: $command" NOPERM "$(set -f; as_forward_auth $command)"
  done
  is 'nobody else may read' NOPERM "$(docker exec "$(container redis)" redis-cli get forward-auth:verify 2>&1 | grep -o NOPERM)"
}

# one session, asked at both replicas: the second one learns it from Redis
cases_shared_cache() {
  is 'the link is HTTP/2; who is new is asked of Authgear' 'h2 200 authgear' "$(inside forward-auth 1 verify 'app_session=demoAppSessionOfAlice00000000000')"
  is 'and known to the other replica' 'h2 200 redis' "$(inside forward-auth 2 verify 'app_session=demoAppSessionOfAlice00000000000')"
}

# over HTTP/1.1 Traefik opens a connection for most of its questions
cases_http2() {
  ask --no-progress-meter -Z --parallel-max 32 "${bob[@]}" -o /dev/null "$entry/?[1-300]"
  local connections
  connections=$(($(inside forward-auth 1 connections 4180) + $(inside forward-auth 2 connections 4180)))
  is "the proxy keeps its HTTP/2 connection: 300 requests, $connections connections" yes "$([ "$connections" -ge 1 ] && [ "$connections" -le 6 ] && echo yes)"
}

cases_replica_dies() {
  local statuses
  kill_one forward-auth 1
  statuses=$(ten / "${bob[@]}")
  # nginx gives up a question that waits for the dead replica just when Docker's name server drops it: docs/docker.md
  [ "$proxy" = nginx ] && statuses=${statuses% 503}
  is 'one replica is killed: everybody is served' '200 401' "$statuses $(ten /)"
  is 'and goes on being' 200 "$(ten / "${bob[@]}")"
  revive forward-auth 1
  is 'it comes back' up "$(until_is up inside forward-auth 1 ready redis)"
}

# the proxy's connection was to one of the two
cases_other_replica_dies() {
  kill_one forward-auth 2
  is 'the other one is killed: everybody is served' '200 401' "$(ten / "${bob[@]}") $(ten /)"
  revive forward-auth 2
  until_is up inside forward-auth 2 ready redis >/dev/null
}

replicas() { "${compose[@]}" ps -q forward-auth | sort | xargs; }
# rolled ENV…: roll.sh with these variables, under load; its exit code, and how many answers were lost
rolled() {
  local load code
  "${outside[@]}" node "$folder/load.mjs" "$entry/" "$bob_cookie" >"$work/load.log" 2>&1 &
  load=$!
  env "$@" deploy/compose/roll.sh "${compose[@]:2}" >"$work/roll.log" 2>&1
  code=$?
  kill -TERM "$load" && wait "$load"
  echo "# $proxy: $* roll.sh: $(tail -n 1 "$work/load.log")" >&2
  echo "$code $(grep -oE '^[0-9]+ of [1-9]' "$work/load.log" | cut -d ' ' -f 1) lost"
}

# a changed variable, a rotation and its end, under load
cases_roll() {
  local before now variable
  for variable in LOG_LEVEL=warn ROTATE_SECRETS=1 ROTATE_SECRETS=; do
    before=$(replicas)
    is "roll.sh with $variable under load" '0 0 lost' "$(rolled "$variable")"
    now=$(replicas)
    is 'two replicas, and both are new ones' '2 0' "$(wc -w <<<"$now") $(grep -cE "${before// /|}" <<<"$now")"
  done
}

# another version; one that does not become healthy, and a value that cannot work: the replicas stay
cases_roll_image() {
  local now
  docker tag authgear-forward-auth forward-auth-next
  is 'another version takes over' '0 0 lost' "$(rolled FORWARD_AUTH_IMAGE=forward-auth-next)"
  is 'and runs' forward-auth-next "$(replicas | xargs docker inspect -f '{{.Config.Image}}' | sort -u)"
  now=$(replicas)
  printf 'FROM authgear-forward-auth\nHEALTHCHECK --interval=1s --start-period=1s --retries=1 CMD ["node", "-e", "process.exit(1)"]\n' | docker build -q -t forward-auth-sick - >/dev/null 2>&1
  is 'an image that is never healthy takes nobody'"'"'s place' '1 0 lost' "$(rolled FORWARD_AUTH_IMAGE=forward-auth-sick)"
  is 'nor does a wrong value' '1 0 lost' "$(rolled AUTHGEAR_ENDPOINT=nonsense)"
  is 'the same two serve' "$now" "$(replicas)"
  FORWARD_AUTH_IMAGE=forward-auth-next "${compose[@]}" up -d --no-build --wait >/dev/null 2>&1
  is 'a plain up -d afterwards changes none' "$now" "$(replicas)"
}

cases_redis_dies() {
  kill_one redis 1
  is 'Redis is killed: nobody is logged out' '200 200' "$(ten / "${alice[@]}") $(ten / "${bob[@]}")"
  is 'a new user is allowed' 200 "$(status / -H 'Cookie: session=a0000000-0000-4000-8000-0000000000c3.demoSessionCookieOfAnonymous0000')"
  is 'and nobody else' '401 403' "$(status /) $(status /admin "${bob[@]}")"
  revive redis 1
  is 'Redis comes back to both replicas' 'up up' "$(until_is up inside forward-auth 1 ready redis) $(until_is up inside forward-auth 2 ready redis)"
  is 'and still nobody was logged out' '200 200' "$(ten / "${alice[@]}") $(ten / "${bob[@]}")"
}
