package feeds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// The fields that the feeds offer. An agreement names those that the recipient gets.
var (
	OrderFields     = []string{"order", "placed", "country", "return", "lines"}
	CatalogueFields = []string{"item", "name", "kind", "category", "price_minor", "currency"}
)

// An Outbox takes what a feed has; *disclosedb.Store does.
type Outbox interface {
	Subscriptions(ctx context.Context) ([]disclosedb.Subscription, error)
	InForce(ctx context.Context, recipient thimble.ID) (*disclose.Signed, error)
	Send(ctx context.Context, d disclosedb.Disclosure) (disclosedb.Receipt, error)
	Advance(ctx context.Context, tx *sqldb.Tx, f disclosedb.Subscription, to string) error
}

// Orders are kept sealed; *orderdb.Store keeps them.
type Orders interface {
	After(ctx context.Context, batch int64, id thimble.ID, placed time.Time, limit int) ([]order.Sealed, error)
	Recorded(ctx context.Context, id thimble.ID) (order.Sealed, string, error)
	Beside(ctx context.Context) (order.Sealed, error)
}

// Products are listed; *catalogdb.Store does.
type Products interface {
	Page(ctx context.Context, q catalog.Query) (catalog.Page, error)
}

// A Runner runs feeds.
type Runner struct {
	Outbox   Outbox
	Orders   Orders
	Products Products
}

// A Report says what a run has queued.
type Report struct {
	Messages int
	People   int
	Refused  int // people whom the gate left out
	Blocked  int // feeds whose agreement does not permit them now
}

// page is how many orders, or products, are in a message.
const (
	orderPage   = 200
	productPage = 1000
)

// Run queues what is new in each feed. A feed that its agreement does not permit is left
// where it is and counted; the others run.
func (r Runner) Run(ctx context.Context) (done Report, err error) {
	all, err := r.Outbox.Subscriptions(ctx)
	for _, f := range all {
		var one error
		switch f.Feed {
		case disclose.OrderFeed:
			one = r.orders(ctx, f, &done)
		case disclose.CatalogueFeed:
			one = r.catalogue(ctx, f, &done)
		}
		if _, refused := errors.AsType[*disclose.Refused](one); refused {
			done.Blocked++
			continue
		}
		if errors.Is(one, thimble.ErrConflict) {
			continue // another run has it
		}
		if one != nil {
			err = errors.Join(err, fmt.Errorf("feeds: %s to %s: %w", f.Feed, f.Recipient.Token(disclose.RecipientPrefix), one))
		}
	}
	return done, err
}

// agreed are the purpose and the fields of a feed that a recipient has agreed to.
func (r Runner) agreed(ctx context.Context, f disclosedb.Subscription, offered []string) (a *disclose.Signed, fields []string, err error) {
	a, err = r.Outbox.InForce(ctx, f.Recipient)
	if err == nil && a == nil {
		err = &disclose.Refused{Why: disclose.NoAgreement}
	}
	if err != nil {
		return nil, nil, err
	}
	for _, name := range offered {
		if _, ok := a.Agreement.Field(name); ok {
			fields = append(fields, name)
		}
	}
	if len(fields) == 0 {
		err = &disclose.Refused{Why: disclose.FieldNotAgreed}
	}
	return a, fields, err
}

func (r Runner) orders(ctx context.Context, f disclosedb.Subscription, done *Report) error {
	a, fields, err := r.agreed(ctx, f, OrderFields)
	for err == nil {
		var batch int64
		var id thimble.ID
		if batch, id, err = parsePosition(f.Position); err != nil {
			return err
		}
		var found []order.Sealed
		if found, err = r.Orders.After(ctx, batch, id, a.Agreement.From, orderPage); err != nil || len(found) == 0 {
			return err
		}
		last := found[len(found)-1]
		to := position(last.Batch, last.ID)
		if err = r.sendOrders(ctx, f, fields, found, to, done); err == nil {
			f.Position = to
		}
	}
	return err
}

func (r Runner) sendOrders(ctx context.Context, f disclosedb.Subscription, fields []string, found []order.Sealed, to string, done *Report) error {
	of := map[thimble.SubjectID][]order.Sealed{}
	var people []thimble.SubjectID
	for _, o := range found {
		if of[o.Subject] == nil {
			people = append(people, o.Subject)
		}
		of[o.Subject] = append(of[o.Subject], o)
	}
	receipt, err := r.Outbox.Send(ctx, disclosedb.Disclosure{
		Recipient: f.Recipient, Purpose: thimble.EssentialService, Fields: fields, Subjects: people,
		Build: func(ctx context.Context, g thimble.Grant, who thimble.SubjectID) (rows []disclose.Row, err error) {
			for _, sealed := range of[who] {
				o, err := order.Open(ctx, g, sealed)
				if err != nil {
					return nil, err
				}
				rows = append(rows, orderRow(o))
			}
			return rows, nil
		},
		Also: func(ctx context.Context, tx *sqldb.Tx) error { return r.Outbox.Advance(ctx, tx, f, to) },
	})
	if err != nil {
		return err
	}
	if !receipt.Message.IsZero() {
		done.Messages++
	}
	done.People += receipt.People
	done.Refused += receipt.Refused
	return nil
}

func orderRow(o order.Order) disclose.Row {
	lines := make([]disclose.Row, len(o.Lines))
	for i, l := range o.Lines {
		lines[i] = disclose.Row{"item": string(l.Item), "units": l.Units}
	}
	return disclose.Row{"order": disclose.Alias{Kind: "order", Value: o.Number}, "placed": o.PlacedAt, "country": o.Country, "return": o.Return, "lines": lines}
}

func position(batch int64, id thimble.ID) string { return fmt.Sprintf("%d:%x", batch, id[:]) }

func parsePosition(text string) (batch int64, id thimble.ID, err error) {
	if text == "" {
		return -1, id, nil
	}
	number, rest, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(rest)
	if err == nil {
		batch, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || len(b) != len(id) {
		return 0, id, fmt.Errorf("feeds: the position of a feed cannot be read: %w", thimble.ErrInvalid)
	}
	return batch, thimble.ID(b), nil
}

// catalogue sends all products when any has changed. Which part of a run a message is
// stands in no field: a recipient replaces product by product.
func (r Runner) catalogue(ctx context.Context, f disclosedb.Subscription, done *Report) error {
	_, fields, err := r.agreed(ctx, f, CatalogueFields)
	if err != nil {
		return err
	}
	rows, digest, err := r.products(ctx)
	if err != nil || digest == f.Position {
		return err
	}
	// All but the last message leave the position alone: a run that is cut short begins anew.
	for start := 0; start < len(rows); start += productPage {
		end := min(start+productPage, len(rows))
		d := disclosedb.Disclosure{Recipient: f.Recipient, Purpose: thimble.EssentialService, Fields: fields, Rows: rows[start:end]}
		if end == len(rows) {
			d.Also = func(ctx context.Context, tx *sqldb.Tx) error { return r.Outbox.Advance(ctx, tx, f, digest) }
		}
		if _, err := r.Outbox.Send(ctx, d); err != nil {
			return err
		}
		done.Messages++
	}
	return nil
}

func (r Runner) products(ctx context.Context) (rows []disclose.Row, digest string, err error) {
	q, sum := catalog.Query{Limit: catalog.MaxPage}, sha256.New()
	for {
		page, err := r.Products.Page(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for _, l := range page.Products {
			p := l.Product
			row := disclose.Row{"item": string(p.ID), "name": p.Name, "kind": string(p.Kind), "category": p.Category, "price_minor": p.Price.Minor, "currency": p.Price.Currency}
			text, err := json.Marshal(row)
			if err != nil {
				return nil, "", err
			}
			sum.Write(text) // a hash takes all it is given
			rows = append(rows, row)
		}
		if q.After = page.Next; q.After == "" {
			return rows, hex.EncodeToString(sum.Sum(nil)), nil
		}
	}
}
