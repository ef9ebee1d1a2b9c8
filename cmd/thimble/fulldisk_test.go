package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/certificate"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// TestAFullDiskInTheMiddleIsAClearStateAndLosesNothing serves from a small filesystem that is
// really full at a random moment of an erasure, a backup, an import or a correction. Who asked
// is told to come again, in words that name nobody and no file; what was begun is open and not
// certified; when there is room again the server finishes it by itself.
func TestAFullDiskInTheMiddleIsAClearStateAndLosesNothing(t *testing.T) {
	if os.Getenv(smallDisk) == "" {
		withMounts(t)
		return
	}
	w := crowd(t, rounds(3, 50))
	w.serve()
	w.acts() // with room: how long each takes
	for round := range w.each {
		for _, c := range w.cases() {
			w.point(round, c)
		}
	}
	w.finishes()
	w.again()
	w.server.kill(t)
	w.judge()
}

// A crowded installation lies on a small disk.
type crowded struct {
	*store
	disk   disk
	chance *rand.Rand
	each   int // points of each kind
	files  string
	server *served
	owner  *http.Cookie

	victims []thimble.SubjectID // one a point, and two before
	cookies []*http.Cookie      // of the victims
	wrongs  []wrong
	before  map[thimble.SubjectID]int // orders before any import

	took    map[string]time.Duration
	refused map[string]int
	passed  map[string]int
	report  []string
}

func crowd(t *testing.T, each int) *crowded {
	t.Helper()
	d := newDisk(t, (48+4*each)<<20)
	w := &crowded{store: newStore(t), disk: d, chance: rand.New(rand.NewPCG(seed, 41)), each: each, files: t.TempDir(), took: map[string]time.Duration{}, refused: map[string]int{}, passed: map[string]int{}}
	w.data, w.set = filepath.Join(d.dir, "data"), filepath.Join(d.dir, "set")
	t.Run("installation", func(t *testing.T) { // which is closed when this ends
		s := thimbletest.Open(t, w.settings())
		w.victims = peopled(s, each+2)
		for i := range each + 2 {
			who := s.Subject(fmt.Sprint("mistaken-", i), thimbletest.Allows(thimble.PersonalizeContent, thimble.TrainAISystem)...)
			s.Buys(who, "shirt", "scarf")
			w.wrongs = append(w.wrongs, mistaken(t, s, who, i))
		}
		for _, who := range w.victims {
			w.cookies = append(w.cookies, w.signsIn(s, session.Who{Audience: session.Customer, Subject: who}, "thimble_customer"))
		}
		w.owner = w.signsIn(s, session.Who{Audience: session.Staff, Staff: app.Owner}, "thimble_staff")
		w.before = w.withOrders()
	})
	w.keepsRoot()
	return w
}

func (w *crowded) settings() map[string]string {
	return map[string]string{"data": w.data, "apart": w.apart, "drop-folder": w.files}
}

func (w *crowded) signsIn(s *thimbletest.Shop, who session.Who, name string) *http.Cookie {
	token, err := s.Sessions.Begin(w.t.Context(), who, session.UnknownDevice)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Cookie{Name: name, Value: token}
}

// withOrders counts the orders of each person.
func (w *crowded) withOrders() map[thimble.SubjectID]int {
	all := map[thimble.SubjectID]int{}
	inCore(w.t, w.data, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(w.t.Context(), `select subject_id, count(*) from order_orders where subject_id is not null group by subject_id`)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // it was read to its end
		for rows.Next() {
			var who thimble.SubjectID
			var n int
			if err := rows.Scan(&who, &n); err != nil {
				return err
			}
			all[who] = n
		}
		return rows.Err()
	})
	return all
}

func (w *crowded) serve() {
	w.server = start(w.t, w.program, "serve", "--data", w.data, "--apart", w.apart, "--drop-folder", w.files, "--listen", "127.0.0.1:0", "--log-level", "error")
	w.t.Cleanup(func() { _ = w.server.cmd.Process.Kill() }) // it is dead by then, unless the test has failed
}

// A reply is an answer.
type reply struct {
	status int
	kind   string // its media type
	wait   string // Retry-After
	at     string // Location
	body   string
}

func (w *crowded) ask(method, path string, who *http.Cookie, kind string, body io.Reader) reply {
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Header.Set("Sec-Fetch-Site", "same-origin"); kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if who != nil {
		r.AddCookie(who)
	}
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		w.t.Fatalf("seed %d: %s %s is not answered: %v", seed, method, path, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header.Get("Content-Type"), answer.Header.Get("Retry-After"), answer.Header.Get("Location"), string(text)}
}

func (w *crowded) posts(path string, who *http.Cookie, form url.Values) reply {
	return w.ask(http.MethodPost, path, who, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// A disturbed act is what the disk is filled in the middle of. It returns whether it was done;
// one that is not was refused in the right words.
type disturbed struct {
	name string
	do   func(n int) (done bool)
}

func (w *crowded) cases() []disturbed {
	return []disturbed{{"erasure", w.erases}, {"backup", w.backsUp}, {"import", w.imports}, {"correction", w.corrects}}
}

// acts does each with room, first to warm up.
func (w *crowded) acts() {
	for _, n := range []int{w.each, w.each + 1} {
		for _, c := range w.cases() {
			began := time.Now()
			if !c.do(n) {
				w.t.Fatalf("%s is refused by a disk with room", c.name)
			}
			w.took[c.name] = time.Since(began)
		}
	}
}

// point fills the disk at a random moment of an act. Afterwards there is room again.
func (w *crowded) point(n int, c disturbed) {
	w.t.Helper()
	w.folds()
	after, leave := time.Duration(w.chance.Int64N(int64(w.took[c.name]))), w.chance.Int64N(6)*w.chance.Int64N(6)<<12
	if err := w.disk.fill(scarce); err != nil { // so that what is left is gone at once
		w.t.Fatal(err)
	}
	filled := make(chan error, 1)
	go func() {
		time.Sleep(after)
		filled <- w.disk.fill(leave)
	}()
	began := time.Now()
	done := c.do(n)
	if done { // one that comes after it is in the middle of it
		w.took[c.name] = (w.took[c.name] + time.Since(began)) / 2
	}
	if err := <-filled; err != nil {
		w.t.Fatal(err)
	}
	if done {
		w.passed[c.name]++
	} else {
		w.refused[c.name]++
	}
	if got := w.ask(http.MethodGet, "/healthz", nil, "", nil); got.status != http.StatusOK {
		w.t.Errorf("point %d of %s (seed %d): the server says %d on a full disk: %s", n, c.name, seed, got.status, got.body)
	}
	if err := w.disk.empty(); err != nil {
		w.t.Fatal(err)
	}
	halfCertified(w.t, w.data, n)
}

// folds empties the write-ahead logs, as happens now and then: what they had room for is the
// disk's again, and each write that follows needs some.
func (w *crowded) folds() {
	w.t.Helper()
	for set, name := range map[string]string{sqldb.Core: "core.db", sqldb.Keys: filepath.Join("keys", "keys.db")} {
		db, err := sqldb.Open(w.t.Context(), sqldb.Config{Set: set, Path: filepath.Join(w.data, name)})
		if err != nil {
			w.t.Fatal(err)
		}
		for try := 0; try < 100 && db.Truncate(w.t.Context()) != nil; try++ { // while somebody reads it is not
			time.Sleep(5 * time.Millisecond)
		}
		if err := db.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// refusal holds an answer against what a full disk may answer.
func (w *crowded) refusal(what string, got reply) {
	w.t.Helper()
	if got.status != http.StatusServiceUnavailable || got.wait == "" || !strings.HasPrefix(got.kind, "application/problem+json") {
		w.t.Errorf("seed %d: a full disk in the middle of %s is answered with %d, %s, Retry-After %q: %s", seed, what, got.status, got.kind, got.wait, got.body)
	}
	w.names(what, got.body)
}

// names looks for files and people in a text.
func (w *crowded) names(what, text string) {
	w.t.Helper()
	for _, n := range []string{w.disk.dir, "core.db", "keys.db", ".part", "victim-", "mistaken-", "imported-", "SQLITE", "disk is full", "no space"} {
		if strings.Contains(text, n) {
			w.t.Errorf("seed %d: the words about %s have %q in them: %s", seed, what, n, text)
		}
	}
}

func (w *crowded) erases(n int) bool {
	got := w.posts("/privacy/forget", w.cookies[n], url.Values{"word": {"FORGET"}})
	if got.status == http.StatusSeeOther {
		return true
	}
	w.refusal("an erasure", got)
	return false
}

func (w *crowded) corrects(n int) bool {
	got := w.posts("/console/cases/"+w.wrongs[n].at.ID.Token(cases.TokenPrefix), w.owner, url.Values{"what": {string(cases.Accepted)}})
	if got.status == http.StatusSeeOther {
		return true
	}
	w.refusal("a correction", got)
	return false
}

func (w *crowded) backsUp(int) bool {
	out, err := w.runs(w.backupArgs()...)
	if err != nil && strings.Count(strings.TrimSpace(out), "\n") > 0 {
		w.t.Errorf("seed %d: a backup onto a full disk says more than one line: %s", seed, out)
	}
	return err == nil
}

// importedOrders is how many orders a file has.
const importedOrders = 200

// imports uploads a file, confirms it, and follows it to its end.
func (w *crowded) imports(n int) bool {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	_ = form.WriteField("kind", "orders")
	part, _ := form.CreateFormFile("file", "orders.csv")
	fmt.Fprintln(part, "number,item,units,time,price,customer,currency")
	for i := range importedOrders {
		fmt.Fprintf(part, "imported-%d-%d,belt,1,2026-10-01 08:26:00,2.50,imported-%d-%d,GBP\n", n, i, n, i%7)
	}
	_ = form.Close()
	got := w.ask(http.MethodPost, "/console/imports/upload", w.owner, form.FormDataContentType(), &b)
	if got.status != http.StatusSeeOther {
		w.refusal("an upload", got)
		return false
	}
	at := got.at
	columns := url.Values{"date": {"iso"}, "decimal": {"."}}
	for _, name := range []string{"number", "item", "units", "time", "price", "customer", "currency"} {
		columns.Set("column."+name, name)
	}
	if got = w.posts(at, w.owner, columns); got.status != http.StatusSeeOther {
		w.refusal("what is confirmed", got)
		return false
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		switch got = w.ask(http.MethodGet, at, w.owner, "", nil); {
		case got.status == http.StatusSeeOther:
			return true
		case got.status == http.StatusServiceUnavailable: // a look that cannot be recorded is none
			w.refusal("a look at an import", got)
		case strings.Contains(got.body, "It stopped"):
			w.names("an import that stopped", got.body)
			return false
		}
	}
	w.t.Fatalf("seed %d: the import does not end: %d %s", seed, got.status, got.body)
	return false
}

// finishes waits until the server has done by itself what was begun.
func (w *crowded) finishes() {
	w.t.Helper()
	began, open := time.Now(), -1
	for ; open != 0 && time.Since(began) < 3*time.Minute; time.Sleep(50 * time.Millisecond) {
		inCore(w.t, w.data, func(tx *sqldb.Tx) error {
			return tx.QueryRow(w.t.Context(), `select (select count(*) from rights_requests r where r.kind in ('erase', 'rectify') and (r.state = 'executing' or r.kind = 'erase' and not exists (select 1 from rights_certificates c where c.request_id = r.id)))
				+ (select count(*) from cases_requests where state = 'executing')`).Scan(&open)
		})
	}
	if open != 0 {
		w.t.Errorf("seed %d: %d requests are open, or not certified, three minutes after there was room again", seed, open)
	}
	w.report = append(w.report, fmt.Sprintf("all that was open was finished %.1f s after there was room", time.Since(began).Seconds()))
}

// again gives what was refused once more: whoever brings a file again brings what is missing.
func (w *crowded) again() {
	w.t.Helper()
	for n := range w.each {
		if !w.imports(n) {
			w.t.Errorf("seed %d: file %d is refused by a disk with room", seed, n)
		}
	}
	w.must(w.backupArgs()...)
}

// judge holds what is there in the end against what was asked and answered.
func (w *crowded) judge() {
	w.t.Run("judgement", func(t *testing.T) {
		w.t = t
		s := thimbletest.Open(t, w.settings())
		outlived(t, s)
		w.forgot(s)
		w.right(s)
		audit, err := s.Audit(t.Context())
		if err != nil || len(audit.Findings) > 0 {
			t.Errorf("seed %d: the audit: %+v, %v", seed, audit.Findings, err)
		}
		if out := w.must(w.checkArgs()...); !strings.Contains(out, "is whole") {
			t.Errorf("seed %d: the set: %s", seed, out)
		}
		imported := 0
		for who, n := range w.withOrders() {
			if w.before[who] == 0 {
				imported += n
			}
		}
		if want := (w.each + 2) * importedOrders; imported != want {
			t.Errorf("seed %d: %d orders were imported, want %d", seed, imported, want)
		}
		w.halves()
		if len(w.refused) == 0 {
			t.Error("nothing met a full disk: the test proves nothing")
		}
		for _, c := range w.cases() {
			if w.each >= 10 && w.refused[c.name] == 0 {
				t.Errorf("no %s met a full disk: the test proves nothing of it", c.name)
			}
		}
		t.Logf("seed %d: %d points each; refused by a full disk %v, done in spite of it %v; %s", seed, w.each, w.refused, w.passed, strings.Join(w.report, "; "))
	})
}

// halves looks for what was begun and never finished, on the disk.
func (w *crowded) halves() {
	var bytes int64
	err := filepath.WalkDir(w.disk.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		bytes += info.Size()
		if folder := filepath.Base(filepath.Dir(path)); filepath.Ext(path) == ".part" || folder == "copies" || folder == "imports" {
			w.t.Errorf("seed %d: %s is left", seed, strings.TrimPrefix(path, w.disk.dir))
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	w.report = append(w.report, fmt.Sprintf("%d KiB are on the disk in the end", bytes>>10))
}

// forgot holds the erasures to their word: of whom there is a request nothing is left, and it
// is certified; whose request was refused before it was kept has everything still.
func (w *crowded) forgot(s *thimbletest.Shop) {
	ctx := w.t.Context()
	gone, err := s.Subjects.Erased(ctx, w.victims)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, who := range w.victims {
		if slices.Contains(gone, who) {
			for _, h := range s.Holders() {
				if e, err := h.Erase(ctx, who); err != nil || e.Erased > 0 {
					w.t.Errorf("seed %d: %s had %d left of victim %d, %v", seed, h.HolderName(), e.Erased, i, err)
				}
			}
			continue
		}
		if n := len(s.Archive(who).Data); n < 5 {
			w.t.Errorf("seed %d: of victim %d, who was not erased, there are %d data", seed, i, n)
		}
	}
	all, err := s.Requests.List(ctx, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	certified := 0
	for _, r := range all {
		if r.Kind != rights.Erase {
			continue
		}
		v, err := certificate.Verify(certificateOf(w.t, s, r.Report.Request), s.Ledger.VerifierKey())
		if err != nil || r.State != rights.Fulfilled {
			w.t.Errorf("seed %d: an erasure is %s, its certificate %v", seed, r.State, err)
			continue
		}
		if st := v.Statement; len(st.Recipients) != 1 || len(st.Keys.Hashes) != 1 {
			w.t.Errorf("seed %d: a certificate says %+v, %+v", seed, st.Recipients, st.Keys)
		}
		certified++
	}
	if certified != len(gone) {
		w.t.Errorf("seed %d: %d people are erased, %d erasures are certified", seed, len(gone), certified)
	}
	w.report = append(w.report, fmt.Sprintf("%d erasures certified, %d refused before they began", certified, len(w.victims)-len(gone)))
}

// right holds the corrections to their word: one that was accepted is done, and one that was
// refused waits for its answer as before.
func (w *crowded) right(s *thimbletest.Shop) {
	done := 0
	for n, one := range w.wrongs {
		c, err := s.Cases.Get(w.t.Context(), one.at.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		theirs := 0
		for d, err := range s.Orders.Export(w.t.Context(), one.who) {
			if err != nil {
				w.t.Fatal(err)
			}
			if r, ok := s.Orders.Remedy(d); ok && strings.Contains(r.Was, "extra-3") {
				theirs++
			}
		}
		halfCorrected(w.t, w.data, one, n)
		switch {
		case c.State == cases.Fulfilled && theirs == 0:
			done++
		case c.State != cases.Received || theirs != 1:
			w.t.Errorf("seed %d: case %d is %s, and %d orders of theirs have what is wrong", seed, n, c.State, theirs)
		}
	}
	w.report = append(w.report, fmt.Sprintf("%d corrections done, %d refused before they began", done, len(w.wrongs)-done))
}
