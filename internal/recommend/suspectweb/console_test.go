package suspectweb

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/suspect"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

// A desk keeps what it was told.
type desk struct {
	all  []suspectdb.Found
	told string
}

func (d *desk) Findings(context.Context, int) ([]suspectdb.Found, error) { return d.all, nil }
func (d *desk) tell(what, note string) error {
	if len(note) < 10 {
		return thimble.ErrInvalid
	}
	d.told = what + ": " + note
	return nil
}
func (d *desk) Quarantine(_ context.Context, _ thimble.ID, _, note string) error {
	return d.tell("quarantine", note)
}
func (d *desk) Dismiss(_ context.Context, _ thimble.ID, _, note string) error {
	return d.tell("dismiss", note)
}
func (d *desk) Release(_ context.Context, _ thimble.ID, _, note string) error {
	return d.tell("release", note)
}

func found(n byte, s suspectdb.State) suspectdb.Found {
	return suspectdb.Found{ID: thimble.ID{n}, Kind: suspect.Pull, Item: "ring-7", Accounts: 60, People: 60, Why: "60 of 62 people who had ring-7 are not trusted, where one expects 12.", At: time.Unix(1, 0), State: s}
}

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	all := []suspectdb.Found{found(1, suspectdb.Open), found(2, suspectdb.Quarantined), found(3, suspectdb.Dismissed), found(4, suspectdb.Released)}
	all[1].Kind = suspect.Alike
	webtest.RenderAll(t, pages, map[string]web.Page{"console_suspects.html": {Layout: web.Console, Title: "Suspect accounts", Body: bodyOf(all, nil)}})
	if b := bodyOf(nil, nil); b.Empty == nil || len(b.Open) != 0 {
		t.Error("without findings the page does not say so")
	}
	if b := bodyOf(all, nil); len(b.Open) != 2 || len(b.Closed.Rows) != 2 || b.Stats[1].Value != 60 {
		t.Errorf("%d cards and %d rows, %v left out; want 2, 2 and 60", len(b.Open), len(b.Closed.Rows), b.Stats[1].Value)
	}
}

func TestADecisionIsTakenWithANoteAndElseExplained(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{all: []suspectdb.Found{found(1, suspectdb.Open)}}
	section, err := Console(kit, d)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout = web.Console
		return p
	}})
	post := func(do, note string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, consolePath+"/"+thimble.ID{1}.Token(suspectdb.FindingPrefix), strings.NewReader(url.Values{"do": {do}, "note": {note}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	if w := post("quarantine", "bad"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Write 10 to 500 characters") || d.told != "" {
		t.Errorf("without a note: %d, told %q", w.Code, d.told)
	}
	if w := post("", "they came within an hour"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Choose what is to be done.") {
		t.Errorf("without a choice: %d", w.Code)
	}
	if w := post("quarantine", "they came within an hour"); w.Code != http.StatusSeeOther || d.told != "quarantine: they came within an hour" {
		t.Errorf("decided: %d, told %q", w.Code, d.told)
	}
}
