package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const window = 5 * time.Second // or CACHE_DEGRADED_TTL if that is longer: what was told may be about a request on its way

type event struct{ Kind, Session, User, Client string }

type one struct {
	session, user, client string
	end                   func(why string)
}

var (
	mutex  sync.Mutex
	held   = map[*one]bool{} // what is open
	recent []event           // what was told within window
)

func hold(header http.Header, end func(why string)) (release func()) {
	it := &one{header.Get("x-forward-auth-session"), header.Get("x-authgear-user-id"), header.Get("x-authgear-client-id"), end}
	mutex.Lock()
	defer mutex.Unlock()
	held[it] = true
	if it.session == "" || slices.ContainsFunc(recent, func(told event) bool { return isAbout(told, it) }) {
		finish(it, "revoked")
	}
	stop := func() bool { return true }
	if until, err := strconv.ParseInt(header.Get("x-forward-auth-until"), 10, 64); err == nil {
		stop = time.AfterFunc(time.Until(time.Unix(until, 0)), func() { locked(func() { finish(it, "expired") }) }).Stop
	}
	return func() { locked(func() { delete(held, it) }); stop() }
}

func tell(told event, why string) {
	mutex.Lock()
	defer mutex.Unlock()
	recent = append(recent, told)
	time.AfterFunc(window, func() { locked(func() { recent = recent[1:] }) })
	for it := range held {
		if isAbout(told, it) {
			finish(it, why)
		}
	}
}

func isAbout(told event, it *one) bool {
	return told.Kind == "everyone" || told.User != "" && told.User == it.user ||
		told.Session != "" && slices.Contains(strings.Split(it.session, "."), told.Session) ||
		told.Client != "" && isClient(told.Client, it.client)
}

func isClient(told, id string) bool { // told: an id, https://host or https://*.host
	host := ""
	if address, err := url.Parse(id); err == nil && address.Scheme == "https" {
		host = strings.ToLower(address.Host)
	}
	below, isBelow := strings.CutPrefix(told, "https://*")
	return told == id || host != "" && (told == "https://"+host || isBelow && strings.HasSuffix(host, below))
}

func finish(it *one, why string) {
	if held[it] {
		delete(held, it)
		it.end(why)
	}
}

func locked(work func()) {
	mutex.Lock()
	defer mutex.Unlock()
	work()
}
