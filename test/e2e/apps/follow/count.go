package main

// beside the page's app another port, which says how many it holds
import (
	"fmt"
	"net/http"
	"os"
)

func init() {
	go http.ListenAndServe("127.0.0.1:"+os.Getenv("COUNT_PORT"), http.HandlerFunc(
		func(response http.ResponseWriter, _ *http.Request) {
			locked(func() { fmt.Fprint(response, len(held)) })
		}))
}
