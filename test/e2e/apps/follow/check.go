package main

// holds what HELD says by the page's follow.go, and prints each close
import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func open(name string, names map[string]string) {
	header := http.Header{}
	for key, value := range names {
		header.Set(key, value)
	}
	hold(header, func(why string) {
		fmt.Printf("%s: %s\n", name, why)
		if name == "first" {
			go open("second", names)
		}
	})
}

func main() {
	follow()
	var all map[string]map[string]string
	if err := json.Unmarshal([]byte(os.Getenv("HELD")), &all); err != nil {
		panic(err)
	}
	for name, names := range all {
		open(name, names)
	}
	fmt.Println("ready")
	select {}
}
