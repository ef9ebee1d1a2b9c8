// Package hookweb is the address at which shop systems deliver: POST /hooks/SYSTEM/NAME, with
// a secret for each. What counts of a delivery is in package hooks.
//
// It promises:
//
//   - Nothing of a body is read before it is known to be signed. Whoever fails to sign is
//     slowed down, and learns nothing else.
//   - A delivery counts once, whatever its headers say: it is known again by all of its body.
//   - The numbers of a feed's customers and orders are its own: they are no other shop's.
//   - A request to forget reaches everybody whom its identifiers name; who is not here yet
//     stays out of later imports.
//   - 200 means that it is done, or that the request that it makes is durable; 503 that
//     nothing was done and it may come again.
package hookweb

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/collect/hooks"
	"thimble/internal/collect/table"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// Path is below what feeds deliver.
const Path = "/hooks/"

// Pattern is the address of a feed for http.ServeMux.
const Pattern = "POST " + Path + "{system}/{name}"

// Wrong signatures: so many at once from one address, and then one every so often.
const (
	wrongBurst = 10
	wrongEvery = 10 * time.Second
)

// Importer takes rows; *collect.Importer does.
type Importer interface {
	Deliver(ctx context.Context, feed string, kind collect.Kind, o table.Parsed, opt collect.Options) error
}

// Store keeps deliveries; *collectdb.Store does.
type Store interface {
	DigestOf(ctx context.Context, feed string, body []byte) ([]byte, error)
	Shop(ctx context.Context, name string) (prefix string, err error)
	Delivered(ctx context.Context, digest []byte) (bool, error)
	Deliver(ctx context.Context, d collectdb.Delivery, follows func(context.Context, *sqldb.Tx) (became string, err error)) (bool, error)
}

// Deps are what the address is made of.
type Deps struct {
	Feeds    []hooks.Feed
	Importer Importer
	Store    Store
	// People finds whom a request is about, and notes that somebody unknown is forgotten.
	People interface {
		OwnerTx(ctx context.Context, tx *sqldb.Tx, id subject.Identifier) (thimble.SubjectID, error)
		Suppress(ctx context.Context, tx *sqldb.Tx, ids ...subject.Identifier) error
	}
	// Erase opens a request to forget somebody, in the transaction that notes the delivery.
	Erase func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error
	// Learned is called after orders came in; may be nil.
	Learned func(ctx context.Context) error
	Now     func() time.Time
	Log     *slog.Logger
}

type door struct {
	Deps
	wrong *web.Limiter
}

// Handler serves the feeds.
func Handler(d Deps) http.Handler {
	if d.Now == nil {
		d.Now = time.Now
	}
	return &door{d, web.NewLimiter(wrongEvery, wrongBurst, d.Now)}
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	feed, ok := d.feed(r.PathValue("system"), r.PathValue("name"))
	if !ok {
		web.WriteProblem(w, r, web.ProblemOf(thimble.ErrNotFound))
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		web.WriteProblem(w, r, web.ProblemOf(err))
		return
	}
	if err := feed.Verify(body, r.Header.Get(feed.SignatureHeader())); err != nil {
		if _, ok := d.wrong.Allow(feed.String()); !ok {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		d.Log.WarnContext(r.Context(), "a delivery was not signed", slog.String("feed", feed.String()))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	became, err := d.take(r.Context(), feed, r.Header.Get(feed.TopicHeader()), body)
	if err != nil {
		d.Log.WarnContext(r.Context(), "a delivery was not taken", slog.String("feed", feed.String()), slog.String("cause", err.Error()))
		web.WriteProblem(w, r, web.ProblemOf(kindOf(err)))
		return
	}
	d.Log.DebugContext(r.Context(), "delivery", slog.String("feed", feed.String()), slog.String("became", became))
	w.WriteHeader(http.StatusOK)
}

// kindOf has whoever sends try again where it may help.
func kindOf(err error) error {
	if errors.Is(err, thimble.ErrInvalid) || errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) {
		return err
	}
	return errors.Join(err, thimble.ErrUnavailable)
}

func (d *door) feed(system, name string) (hooks.Feed, bool) {
	for _, f := range d.Feeds {
		if string(f.System) == system && f.Name == name {
			return f, true
		}
	}
	return hooks.Feed{}, false
}

// repeated is what becomes of a delivery that was there before.
const repeated = "repeated"

func (d *door) take(ctx context.Context, feed hooks.Feed, topic string, body []byte) (became string, err error) {
	note := collectdb.Delivery{Feed: feed.String()}
	if note.Digest, err = d.Store.DigestOf(ctx, note.Feed, body); err != nil {
		return "", err
	}
	was, err := d.Store.Delivered(ctx, note.Digest)
	if err != nil || was {
		return repeated, err
	}
	got, err := feed.Read(topic, body)
	if err != nil {
		return "", err
	}
	note.Topic = got.Topic
	var follows func(context.Context, *sqldb.Tx) (string, error)
	switch got.Do {
	case hooks.Take:
		note.Became = collectdb.Taken
		err = d.rows(ctx, note.Feed, got, body)
	case hooks.Erase:
		var who []subject.Identifier
		who, err = d.theirs(ctx, feed, got.Who)
		note.Became, follows = collectdb.Nobody, d.erase(who)
	case hooks.Access, hooks.Close:
		note.Became = collectdb.Waits
	default:
		return collectdb.Ignored, nil // systems send much that nobody asked for
	}
	if err != nil {
		return "", err
	}
	fresh, err := d.Store.Deliver(ctx, note, follows)
	if err == nil && !fresh {
		return repeated, nil
	}
	return note.Became, err
}

// rows takes what is in a delivery. It may be taken twice, if the power goes out before it
// is noted, and is not doubled.
func (d *door) rows(ctx context.Context, feed string, got hooks.Delivery, body []byte) error {
	o, flaw := table.ParseObject(body)
	if flaw != "" {
		return thimble.ErrInvalid // it was read before
	}
	orders := false
	for _, rows := range got.Rows {
		orders = orders || rows.Kind == collect.Orders
		rows.Mapping.Shop = feed // its numbers are its own
		if rows.Kind == collect.Customers && !named(o, rows.Mapping) {
			continue // an order of a guest
		}
		if err := d.Importer.Deliver(ctx, feed, rows.Kind, o, collect.Options{Map: &rows.Mapping, Now: d.Now()}); err != nil {
			return err
		}
	}
	if orders && d.Learned != nil {
		return d.Learned(ctx)
	}
	return nil
}

// named reports whether an object names its customer.
func named(o table.Parsed, m table.Mapping) bool {
	for _, field := range []string{"account", "email", "phone"} {
		if c := m.Columns[field]; c != "" && o.Get(c) != "" {
			return true
		}
	}
	return false
}

// erase has everybody forgotten whom the request names: a number and an address may be two
// people's. By what names nobody, somebody is forgotten who may come by an import yet.
func (d *door) erase(all []subject.Identifier) func(context.Context, *sqldb.Tx) (became string, err error) {
	return func(ctx context.Context, tx *sqldb.Tx) (string, error) {
		became := collectdb.Nobody
		asked := map[thimble.SubjectID]bool{}
		for _, id := range all {
			who, err := d.People.OwnerTx(ctx, tx, id)
			switch {
			case err != nil:
				return "", err
			case who.IsZero():
				err = d.People.Suppress(ctx, tx, id)
			case !asked[who]:
				asked[who], became = true, collectdb.Erased
				err = d.Erase(ctx, tx, who)
			}
			if err != nil {
				return "", err
			}
		}
		return became, nil
	}
}

// theirs puts the shop before the number of a customer.
func (d *door) theirs(ctx context.Context, feed hooks.Feed, who []subject.Identifier) ([]subject.Identifier, error) {
	prefix, err := d.Store.Shop(ctx, feed.String())
	if err != nil {
		return nil, err
	}
	all := slices.Clone(who)
	for i, id := range all {
		if id.Kind == subject.Account {
			all[i].Value = thimble.Hide(prefix + id.Value.Reveal()) // to find them by it
		}
	}
	return all, nil
}
