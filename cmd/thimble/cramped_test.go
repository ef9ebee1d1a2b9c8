package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/collect"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/job"
	"thimble/internal/powercuttest"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// A disk that is full in the middle of a change: no file may grow beyond a size that
// is drawn anew for each change (RLIMIT_FSIZE), so that a write fails, or writes a
// part of what it should.
func TestFullDiskRefusesAndLosesNothing(t *testing.T) {
	program := filepath.Join(filepath.Dir(binary(t)), "thimble-cramped")
	if err := os.Rename(filepath.Join(filepath.Dir(program), "thimble"), program); err != nil {
		t.Fatal(err)
	}
	points := rounds(40, 300)
	out, err := exec.Command(program, filepath.Join(t.TempDir(), "data"), strconv.Itoa(seed), strconv.Itoa(points)).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || !strings.HasPrefix(lines[len(lines)-1], "done: ") {
		t.Fatalf("seed %d: %v\n%s", seed, err, out)
	}
	t.Logf("seed %d: %s", seed, lines[len(lines)-1])
}

// cramped is the command thimble-cramped: it lives through the full disk in one
// process, and ends with status 1 at the first promise that does not hold.
func cramped() {
	signal.Ignore(syscall.SIGXFSZ) // as main does
	w := crampedShop{ctx: context.Background(), dir: os.Args[1], refused: map[string]int{}, acked: map[thimble.SubjectID][]choice{}}
	drawn, err := strconv.ParseUint(os.Args[2], 10, 64)
	w.Must(err)
	w.chance = rand.New(rand.NewPCG(drawn, 5))
	points, err := strconv.Atoi(os.Args[3])
	w.Must(err)
	w.open()
	for i := range 8 {
		w.person(fmt.Sprintf("account-%d", i))
	}
	w.s.Works()
	for point := range points {
		w.point(point)
	}
	w.End()
	w.open() // a restart finds what was there
	w.check()
	w.End()
	refused := 0
	for _, n := range w.refused {
		refused += n
	}
	for _, c := range w.changes() {
		if points >= 10*len(w.changes()) && w.refused[c.name] == 0 {
			w.Fatal("no point of the change", c.name, "was refused: the test proves nothing of it")
		}
	}
	fmt.Printf("done: %d points, %d refused by a full disk %v\n", points, refused, w.refused)
}

type crampedShop struct {
	powercuttest.Process
	ctx     context.Context
	dir     string
	chance  *rand.Rand
	days    int
	s       *thimbletest.Shop
	people  []thimble.SubjectID
	acked   map[thimble.SubjectID][]choice
	made    int // people
	imports int
	refused map[string]int
}

func (w *crampedShop) now() time.Time { return time.Now().AddDate(0, 0, w.days) }

func (w *crampedShop) open() {
	w.s = thimbletest.OpenAt(&w.Process, map[string]string{"data": w.dir}, func() time.Time { return w.now() })
}

func (w *crampedShop) person(account string) {
	who := w.s.Subject(account, thimbletest.Allows(thimble.PersonalizeContent, thimble.TrainAISystem)...)
	for i := range 2 { // so that others have what this one lacks
		w.s.Buys(who, "shirt", thimble.ItemID(fmt.Sprintf("item-%d", (w.made+i)%4)))
	}
	w.people, w.made = append(w.people, who), w.made+1
}

type change struct {
	name string
	do   func(who thimble.SubjectID) error
}

func (w *crampedShop) changes() []change {
	s := w.s
	return []change{
		{"consent", func(who thimble.SubjectID) error { return w.choose(who, w.either()) }},
		{"import", func(thimble.SubjectID) error { return w.imported() }},
		{"decision", func(who thimble.SubjectID) error {
			return w.listed(who)
		}},
		{"training", func(thimble.SubjectID) error {
			_, err := s.Shop.Train(w.ctx, "test", nil)
			return err
		}},
		{"key", func(thimble.SubjectID) error {
			id, err := thimble.NewSubjectID(nil)
			w.Must(err)
			return s.Vault.Ensure(w.ctx, id)
		}},
		{"rotation", func(thimble.SubjectID) error {
			_, err := s.Vault.Rotate(w.ctx)
			return err
		}},
		{"sequencer", func(thimble.SubjectID) error {
			_, err := s.Ledger.Integrate(w.ctx)
			return err
		}},
		{"job", func(thimble.SubjectID) error {
			_, err := s.Jobs.Step(w.ctx)
			return err
		}},
		{"use log", func(thimble.SubjectID) error { return s.Uses.Flush(w.ctx) }},
		{"erasure", func(who thimble.SubjectID) error {
			_, err := s.Desk.Erase(w.ctx, who)
			return err
		}},
	}
}

// listed asks for a personal list. One that cannot be recorded is the popular list.
func (w *crampedShop) listed(who thimble.SubjectID) error {
	list, err := w.s.Shop.ForYou(w.ctx, gate.Actor{Kind: gate.Machine, Name: "recommend"}, who, "test", 5)
	if err == nil && len(list.Entries) == 0 {
		w.Fatal("an empty list")
	}
	if err == nil && !list.Personal {
		err = fmt.Errorf("%s (%w)", list.Why, thimble.ErrUnavailable)
	}
	return err
}

func (w *crampedShop) either() consent.State {
	return []consent.State{consent.Given, consent.Withdrawn}[w.chance.IntN(2)]
}

func (w *crampedShop) choose(who thimble.SubjectID, state consent.State) error {
	c := consent.Choice{Purpose: thimble.PersonalizeContent, State: state}
	recorded, err := w.s.Consent.Record(w.ctx, who, []consent.Choice{c}, consentdb.How{
		Notice: consent.Current(), UI: consent.UI{Component: "test"}, By: consent.By{Actor: "subject", Auth: "session"}})
	for _, r := range recorded {
		w.acked[who] = append(w.acked[who], choice{r.Event.Purpose, r.Event.State, r.Event.Seq})
	}
	return err
}

// imported brings in an order of the first person's account and one of a new one.
func (w *crampedShop) imported() error {
	var text bytes.Buffer
	text.WriteString("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
	for i := range 30 {
		fmt.Fprintf(&text, "i%d-%d,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,%d,United Kingdom\n", w.imports, i, 1000+w.imports%7)
	}
	_, err := w.s.ImportOrders(w.ctx, collect.Source{Name: "test.csv", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text.Bytes())), nil
	}}, collect.Options{BatchOrders: 10})
	return err
}

// point fills the disk, tries a change, and looks; then there is room again, and
// the change is made.
func (w *crampedShop) point(n int) {
	all := w.changes()
	c := all[n%len(all)]
	who := w.people[w.chance.IntN(len(w.people))]
	switch c.name {
	case "rotation":
		w.days++
	case "decision":
		w.Must(w.choose(who, consent.Given))
		if _, ok := w.s.Shop.Version(); !ok { // an erasure that a full disk met has withdrawn it
			_, err := w.s.Shop.Train(w.ctx, "test", nil)
			w.Must(err)
		}
	case "import":
		w.imports++
	case "sequencer", "job":
		w.Must(w.choose(who, w.either())) // so that there is something to do
		w.Must(w.s.Core.Write(w.ctx, func(tx *sqldb.Tx) error {
			return w.s.Jobs.Add(w.ctx, tx, job.Job{Kind: app.TrainJob, Dedupe: app.TrainJob})
		}))
	case "use log":
		w.Must(w.choose(who, w.either())) // which lets a silent ledger speak again
		_, err := w.s.Gate.Open(w.ctx, ask(who))
		w.Must(err)
	}
	limit := w.room()
	w.limit(limit)
	err := c.do(who)
	w.reads(c, who)
	w.limit(math.MaxUint64)
	if err != nil {
		w.refused[c.name]++
		if !errors.Is(err, thimble.ErrUnavailable) {
			w.Fatal(fmt.Sprintf("point %d, %s with files of %d bytes at most: %v: an error of kind ErrUnavailable was expected", n, c.name, limit, err))
		}
	}
	if halves, _ := filepath.Glob(filepath.Join(w.dir, "*", "*.part")); len(halves) > 0 {
		w.Fatal("point", n, c.name, "left", halves)
	}
	if err := c.do(who); err != nil {
		w.Fatal(fmt.Sprintf("point %d, %s after there was room again: %v", n, c.name, err))
	}
	if c.name == "erasure" {
		w.forgotten(who)
	}
	w.check()
}

// room draws how large a file may be: nothing at all, or a little more than one of
// the logs is.
func (w *crampedShop) room() uint64 {
	var size uint64
	for _, name := range []string{"core.db-wal", "keys/keys.db-wal", "core.db"}[:w.chance.IntN(4)] {
		if info, err := os.Stat(filepath.Join(w.dir, name)); err == nil {
			size = max(size, uint64(info.Size()))
		}
	}
	return size + w.chance.Uint64N(12_000)
}

func (w *crampedShop) limit(bytes uint64) {
	var r syscall.Rlimit
	w.Must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r))
	r.Cur = min(bytes, r.Max)
	w.Must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r))
}

// reads asks what needs no room. Who is being erased may be gone already.
func (w *crampedShop) reads(c change, who thimble.SubjectID) {
	for _, p := range w.people {
		if c.name == "erasure" && p == who {
			continue
		}
		_, err := w.s.Consent.Standing(w.ctx, p, thimble.PersonalizeContent)
		if err == nil { // a use that cannot be recorded is none, until the log can be written again
			if _, err = w.s.Gate.Open(w.ctx, ask(p)); err != nil && w.s.Ledger.Silent(w.ctx) {
				err = nil
			}
		}
		if err == nil {
			_, err = w.s.Ledger.Checkpoint(w.ctx)
		}
		if err != nil {
			w.Fatal("reading while", c.name, "finds the disk full:", err)
		}
	}
}

func (w *crampedShop) forgotten(who thimble.SubjectID) {
	j := &judgement{ctx: w.ctx, a: w.s.App}
	j.gone(who)
	w.right(j)
	delete(w.acked, who)
	for i, p := range w.people {
		if p == who {
			w.people = append(w.people[:i], w.people[i+1:]...)
			break
		}
	}
	w.person("account-" + who.String())
}

// check holds the installation against what was acknowledged.
func (w *crampedShop) check() {
	j := &judgement{ctx: w.ctx, a: w.s.App}
	j.sound()
	for who, acked := range w.acked {
		j.there(who, acked)
	}
	j.log()
	w.right(j)
}

func (w *crampedShop) right(j *judgement) {
	if len(j.wrong) > 0 {
		w.Fatal(strings.Join(j.wrong, "\n"))
	}
}
