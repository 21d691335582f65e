// Command patient is a web server that falls ill as it is told, to see whether kohealth why
// finds out.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

func main() {
	var (
		addr   = flag.String("addr", ":8080", "where it listens")
		after  = flag.Duration("after", 0, "time until it listens")
		take   = flag.Duration("take", 0, "time that an answer takes")
		status = flag.Int("status", http.StatusOK, "of answers")
		hang   = flag.Bool("hang", false, "never answer")
		flap   = flag.Bool("flap", false, "fail every other time")
		crash  = flag.Bool("crash", false, "panic after a moment")
		eat    = flag.Bool("eat", false, "use up all memory after a moment")
		fork   = flag.Bool("fork", false, "run as many processes as there may be")
		burn   = flag.Bool("burn", false, "use all processor time that there is")
		write  = flag.String("write", "", "file to write before it listens")
		need   = flag.String("need", "", "environment variable to insist on")
	)
	flag.Parse()
	prepare(*write, *need)
	time.Sleep(*after)
	if *fork {
		go multiply()
	}
	for i := 0; *burn && i < 4; i++ {
		go burnOne()
	}
	if *crash {
		time.AfterFunc(time.Second, func() { panic("no such luck") })
	}
	if *eat {
		time.AfterFunc(time.Second, consume)
	}
	var asked atomic.Int64
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if *hang {
			select {}
		}
		time.Sleep(*take)
		if n := asked.Add(1); *flap && n%2 == 0 {
			http.Error(w, "db: connection refused", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(*status)
		fmt.Fprintln(w, "well, well")
	})
	log.Printf("listening on %s", *addr)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

// prepare ends the app if it lacks what it needs.
func prepare(file, variable string) {
	if variable != "" && os.Getenv(variable) == "" {
		log.Fatalf("%s is not set", variable)
	}
	if file != "" {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			log.Fatal(err)
		}
	}
}

// multiply has a shell start processes again and again, of which as many stay as may.
func multiply() {
	for {
		_ = exec.Command("/bin/sh", "-c", "while :; do sleep 3600 & done").Run()
		time.Sleep(10 * time.Millisecond)
	}
}

// burnOne keeps a processor busy.
func burnOne() {
	for n := 0; ; n++ {
	}
}

// consume uses up all memory.
func consume() {
	var kept [][]byte
	for {
		block := make([]byte, 1<<20)
		for i := range block {
			block[i] = 1
		}
		kept = append(kept, block)
		_ = kept
	}
}
