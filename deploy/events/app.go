package main

import (
	"cmp"
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/coder/websocket"
)

func live(response http.ResponseWriter, request *http.Request) {
	socket, err := websocket.Accept(response, request, nil)
	if err != nil {
		return
	}
	defer socket.CloseNow()
	var closing atomic.Bool
	closed := make(chan struct{})
	defer hold(request.Header, func(why string) {
		closing.Store(true) // nothing more is done for it, even where it does not answer the close
		go func() {
			socket.Close(4401, why) // waits five seconds at most
			close(closed)
		}()
	})()
	ctx, text := context.Background(), []byte("welcome")
	for err == nil && !closing.Load() {
		if err = socket.Write(ctx, websocket.MessageText, text); err == nil {
			_, text, err = socket.Read(ctx)
			text = append([]byte("you said "), text...)
		}
	}
	if closing.Load() {
		<-closed
	}
}

func stream(response http.ResponseWriter, request *http.Request) {
	over := make(chan struct{})
	defer hold(request.Header, func(string) { close(over) })()
	response.Header().Set("content-type", "text/event-stream")
	io.WriteString(response, "data: welcome\n\n")
	http.NewResponseController(response).Flush()
	select {
	case <-over:
		io.WriteString(response, "event: closed\ndata: 4401\n\n")
	case <-request.Context().Done():
	}
}

func main() {
	follow()
	log.Fatal(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "8080"), http.HandlerFunc(
		func(response http.ResponseWriter, request *http.Request) {
			if request.Header.Get("upgrade") != "" {
				live(response, request)
			} else {
				stream(response, request)
			}
		})))
}
