package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	last  string        // where to go on
	wait  time.Duration // until it is asked again, at most
	ready = make(chan struct{})
	begun = sync.OnceFunc(func() { close(ready) })
)

func read() error {
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	silent := time.AfterFunc(30*time.Second, func() { leave(errors.New("silent")) }) // a comment comes each ten seconds
	alone := time.AfterFunc(time.Hour, func() { leave(errors.New("this replica is cut off: on to another one")) })
	alone.Stop()
	defer func() { silent.Stop(); alone.Stop() }()
	address := cmp.Or(os.Getenv("EVENTS"), "http://forward-auth:4184") + "/events"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("authorization", "Bearer "+os.Getenv("TOKEN"))
	if last != "" {
		request.Header.Set("last-event-id", last)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	fields := map[string]string{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		silent.Reset(30 * time.Second)
		if name, value, _ := strings.Cut(lines.Text(), ": "); name != "" {
			fields[name] = value
			continue
		}
		take(fields, alone)
		clear(fields)
	}
	return cmp.Or(context.Cause(ctx), lines.Err())
}

func take(fields map[string]string, alone *time.Timer) {
	var told struct {
		event
		Following *bool
	}
	if data := fields["data"]; data != "" && json.Unmarshal([]byte(data), &told) != nil {
		log.Print("events: cannot read ", data)
		told.event = event{Kind: "everyone"}
	}
	switch fields["event"] {
	case "reset":
		tell(event{Kind: "everyone"}, "ask again")
		begun()
	case "revoked":
		tell(told.event, "revoked")
	case "connected":
		begun()
	}
	if told.Following != nil && *told.Following {
		wait = 500 * time.Millisecond
		alone.Stop()
	} else if told.Following != nil {
		alone.Reset(10 * time.Second) // it knows only what it learns itself
	}
	last = cmp.Or(fields["id"], last)
}

// follow returns when you are told, and goes on.
func follow() {
	go func() {
		for wait = 500 * time.Millisecond; ; wait = min(2*wait, 4500*time.Millisecond) {
			log.Print("events: ", read())
			time.Sleep(500*time.Millisecond + rand.N(wait))
		}
	}()
	<-ready
}
