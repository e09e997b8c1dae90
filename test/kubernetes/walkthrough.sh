#!/bin/bash
# Sourced by run.sh: the ten minutes of docs/kubernetes.md, by the page's own lines from the app on. The lines before it need images of a
# registry; Traefik is a process here, so the line that forwards a port to it goes.

lines() { sed -n '/^# an app, and a simulated Authgear$/,/^```$/p' docs/kubernetes.md | grep -vE '^(#|```|$)|port-forward' | sed 's/localhost:8080/127.0.0.1:8000/'; }

# asks LINE: a curl of the page is answered as its comment says; the route may be seconds old
asks() {
  local expected=${1##*# } command=${1%% # *}
  expected=${expected%%[, :]*}
  does "$command: $expected" until_true is_answered "$expected" "${command/curl -i/curl -s -o /dev/null -w %{http_code\}}"
}
is_answered() { [ "$(eval "$2")" = "$1" ]; }

part_walkthrough() {
  local line node image
  for node in 1 2; do for image in demo valkey; do has_image "$node" $image; done; done
  does 'the class of Traefik' kubectl apply -f test/kubernetes/classes.yaml
  start_traefik walkthrough 8000 ''
  while read -r line; do
    case $line in
      curl*) asks "$line" ;;
      *=session=*) eval "${line%% #*}" ;;
      *) does "$line" eval "${line/#helm/$helm}" ;;
    esac
  done < <(lines)
  does 'all of its pods are ready' kubectl -n trial wait --for=condition=Ready pod --all --timeout=180s
  kubectl delete namespace trial --wait=false >/dev/null
}
