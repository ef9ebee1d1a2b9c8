package vaultweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/vault"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// A Vault keeps the keys; *vault.Vault is one.
type Vault interface {
	Epochs(ctx context.Context) ([]vault.EpochStatus, error)
	UnreadableAfter() time.Time
	Rotate(ctx context.Context) (vault.Rotation, error)
}

// A Backup is the newest that the server made of itself.
type Backup struct {
	Number int64
	At     time.Time // as of when; zero: there is none yet
	Late   time.Time // from before this one is too old
}

// Backups know the newest backup. The error is of kind ErrNotFound where the server makes none.
type Backups interface {
	Newest(ctx context.Context) (Backup, error)
}

// Path is where the page is.
const Path = "/console/vault"

type page struct {
	vault   Vault
	backups Backups
	pages   *web.Pages
	*web.Frame
}

// Proofs are the patterns that need a proof of who it is that is fresh.
func Proofs() []string { return []string{"POST " + Path + "/rotate"} }

// Console returns the page as a section of the console.
func Console(kit *web.Kit, v Vault, b Backups) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Keys", Href: Path, Icon: "lock", Group: "Proof"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			p := &page{vault: v, backups: b, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, p.show)
			mux.HandleFunc("POST "+Path+"/rotate", p.rotate)
		},
	}, nil
}

// body is what vault.html shows.
type body struct {
	State  web.Callout
	Stats  []web.Stat
	Ask    web.Form
	Answer *web.Callout
	Epochs web.Table
}

const (
	day   = 24 * time.Hour
	input = "2006-01-02" // as a date field sends it
	words = "2 January 2006"
)

func (p *page) show(w http.ResponseWriter, r *http.Request) {
	epochs, err := p.vault.Epochs(r.Context())
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	shown := web.Page{
		Title: "Keys", Lead: "A new epoch key is made each day. It wraps every data key, and is destroyed when its time has come: from then on no backup from its day can be opened, by anybody.",
		Actions: []web.Action{{Label: "Rotate now", Href: Path + "/rotate", Kind: "primary", Icon: "key", Post: true}},
		Flash:   flash(r.URL.Query().Get("rotation")),
	}
	if len(epochs) == 0 {
		shown.Body = body{State: web.Callout{Tone: web.Bad, Title: "There is no epoch key", Text: "Nothing that is sealed can be opened. Put the folder of epoch keys back, if it was moved."}}
	} else {
		b := fill(epochs, p.vault.UnreadableAfter(), r.URL.Query().Get("day"))
		newest, err := p.backups.Newest(r.Context())
		b.Stats = append(b.Stats, newest.Stat(err))
		shown.Body = b
	}
	p.Render(w, r, http.StatusOK, p.pages, "vault.html", shown)
}

// Stat says how old the newest backup is, or why that is not known.
func (b Backup) Stat(err error) web.Stat {
	s := web.Stat{Label: "Newest backup"}
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		s.Value, s.Note = "none", "the server is not told to make any: the setting backup-to"
	case err != nil:
		s.Value, s.Trend, s.Note = "unreadable", web.Bad, "the folder of the set or what is kept apart: it cannot be read, or is damaged"
	case b.At.IsZero():
		s.Value, s.Trend, s.Note = "none yet", web.Warn, "the jobs say when the next is due"
	case b.At.Before(b.Late):
		s.Value, s.Delta, s.Trend, s.Note = web.Day(b.At), "too old", web.Bad, b.At.UTC().Format("15:04 UTC")+"; the jobs say why"
	default:
		s.Value, s.Note = web.Day(b.At), fmt.Sprintf("%s, number %d", b.At.UTC().Format("15:04 UTC"), b.Number)
	}
	return s
}

func flash(rotation string) *web.Flash {
	switch rotation {
	case "done":
		return &web.Flash{Kind: web.Good, Text: "Rotated: all data keys lie under the newest epoch key, and the epoch keys that were due are destroyed."}
	case "postponed":
		return &web.Flash{Kind: web.Warn, Text: "Rotated, and nothing was destroyed: the clock has leapt by more than an epoch key lives. If the clock is right, the next day's rotation destroys what is due."}
	}
	return nil
}

// fill makes the page. The vault's own clock says what day it is: a key that is destroyed
// today is unreadable a day after an epoch key of today dies.
func fill(epochs []vault.EpochStatus, unreadable time.Time, asked string) body {
	newest := epochs[len(epochs)-1]
	lives := newest.Ends.Sub(newest.Made)
	today := unreadable.Add(-lives - day)
	b := body{
		State: state(newest, today),
		Stats: []web.Stat{
			{Label: "Epoch keys", Value: len(epochs), Note: fmt.Sprintf("each lives %d days", int(lives/day))},
			{Label: "Oldest backup that opens", Value: web.Day(epochs[0].Made), Note: "anything older is closed for good"},
			{Label: "Erased today, unreadable by", Value: web.Day(unreadable), Note: "in every backup, if rotation runs daily"},
		},
		Ask: web.Form{
			ID: "backup", Action: Path, Method: "get", Legend: "What a backup can still open", Submit: "Look",
			Fields: []web.Field{{Name: "day", Label: "Day of the backup of the data keys", Kind: web.DateField, Value: asked, Max: today.Format(input), Required: true, Short: true}},
		},
		Epochs: table(epochs, today),
	}
	if asked != "" {
		b.Answer = answer(epochs, today, asked)
	}
	return b
}

func state(newest vault.EpochStatus, today time.Time) web.Callout {
	switch age := int(today.Sub(newest.Made) / day); {
	case age < 0:
		return web.Callout{Tone: web.Warn, Title: "The newest epoch key is from the future", Text: "The clock was ahead when it was made, or is behind now. Set the clock of the server right."}
	case age == 0:
		return web.Callout{Tone: web.Good, Title: "Rotated today", Text: "All data keys that open lie under an epoch key of today. The server rotates by itself, once a day."}
	case age == 1:
		return web.Callout{Tone: web.Info, Title: "Rotated yesterday", Text: "Today's rotation is due within the hour."}
	default:
		return web.Callout{Tone: web.Bad, Title: "Rotation is overdue", Text: fmt.Sprintf("The newest epoch key is %d days old. Until it is rotated, nothing is destroyed on time. The log of the server says why.", age)}
	}
}

func table(epochs []vault.EpochStatus, today time.Time) web.Table {
	t := web.Table{
		ID: "epochs", Caption: "Epoch keys", Note: "A backup opens as long as the newest epoch key of its day lives.",
		Columns: []web.Column{{Label: "Made"}, {Label: "Age in days", Kind: web.NumberColumn}, {Label: "Dies"}, {Label: "Days left", Kind: web.NumberColumn}, {Label: "State"}},
	}
	for i := len(epochs) - 1; i >= 0; i-- {
		e := epochs[i]
		left := int(e.Ends.Sub(today) / day)
		badge, dies := web.Badge{Text: "lives"}, any(web.Day(e.Ends))
		switch {
		case i == len(epochs)-1:
			badge = web.Badge{Text: "in use", Tone: web.Good}
		case left <= 0:
			badge = web.Badge{Text: "due", Tone: web.Warn}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Day(e.Made), int(today.Sub(e.Made)/day), dies, max(left, 0), badge)})
	}
	return t
}

// answer says what a backup of a day can open: its keys lie under the newest epoch key
// that was made by then.
func answer(epochs []vault.EpochStatus, today time.Time, asked string) *web.Callout {
	at, err := time.Parse(input, asked)
	if err != nil || at.After(today) {
		return &web.Callout{Tone: web.Warn, Title: "That is not a day up to today", Text: "Write the day on which the backup was made."}
	}
	under := -1
	for i, e := range epochs {
		if !e.Made.After(at) {
			under = i
		}
	}
	if under < 0 {
		return &web.Callout{Tone: web.Good, Title: "It opens nothing", Text: fmt.Sprintf("The epoch keys of %s are destroyed. No data key in that backup can be unwrapped, by anybody, with or without the root key.", at.Format(words))}
	}
	until := epochs[under].Ends.Format(words)
	if under == len(epochs)-1 && at.Equal(today) {
		return &web.Callout{Tone: web.Info, Title: "It opens everything of today", Text: "The epoch key of today is in use. The backup stays readable until " + until + "."}
	}
	return &web.Callout{Tone: web.Warn, Title: "It still opens", Text: fmt.Sprintf("With the root key and the epoch key of %s it opens everything of that day, also of people who were erased since. On %s that epoch key is destroyed, and the backup opens nothing any more.",
		epochs[under].Made.Format(words), until)}
}

func (p *page) rotate(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	done, err := p.vault.Rotate(context.WithoutCancel(r.Context()))
	p.Log.InfoContext(r.Context(), "keys rotated by hand", slog.String("staff", web.VisitorFrom(r.Context()).Staff), slog.Int("rewrapped", done.Rewrapped),
		slog.Int("destroyed", done.Destroyed), slog.Bool("postponed", done.Postponed), slog.Bool("failed", err != nil), slog.Duration("took", time.Since(began)))
	if errors.Is(err, thimble.ErrDenied) {
		// Not the visitor's fault: a stored key or the root does not open.
		err = fmt.Errorf("rotating: %v (%w)", err, thimble.ErrUnavailable)
	}
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	rotation := "done"
	if done.Postponed {
		rotation = "postponed"
	}
	http.Redirect(w, r, Path+"?rotation="+rotation, http.StatusSeeOther)
}
