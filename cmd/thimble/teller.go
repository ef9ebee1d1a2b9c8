package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A teller tells what happens: progress bars on a terminal, plain lines elsewhere.
type teller struct {
	w        io.Writer
	terminal bool
}

func newTeller(w io.Writer) teller {
	f, ok := w.(*os.File)
	if !ok {
		return teller{w: w}
	}
	info, err := f.Stat()
	return teller{w: w, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// Say implements app.Teller.
func (t teller) Say(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

// perMille is the total of a step whose units are thousandths.
const perMille = 1000

// Begin implements app.Teller.
func (t teller) Begin(what string, total int64) (move func(int64), end func()) {
	if total <= 1 {
		total = perMille
	}
	if !t.terminal {
		began := time.Now()
		t.Say("%s…", what)
		return func(int64) {}, func() { t.Say("%s took %.1f s.", what, time.Since(began).Seconds()) }
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(t.w), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(65*time.Millisecond),
		progressbar.OptionSetPredictTime(true))
	return func(done int64) { _ = bar.Set64(min(done, total)) }, func() { _ = bar.Finish() }
}
