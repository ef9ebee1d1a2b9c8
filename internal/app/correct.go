package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/feeds"
	"thimble/internal/order"
	"thimble/internal/rights"
	"thimble/internal/subject"
)

// amends are what a correction reaches beside the holder of the value.
func (a *App) amends() rights.Amends {
	return rights.Amends{Corrections: a.Cases, Decisions: redecides{a}, Recipients: rightValues{a}}
}

// rightValues tell recipients what is right, where they were sent what was wrong.
type rightValues struct{ app *App }

// Corrected implements rights.Recipients.
func (r rightValues) Corrected(ctx context.Context, members []thimble.SubjectID, c thimble.Category, what thimble.Correction) (int, error) {
	return r.app.Disclose.Corrected(ctx, members, c, func(ctx context.Context, g thimble.Grant, recipient thimble.ID, who thimble.SubjectID, fields []disclose.Field) (disclosedb.Amended, error) {
		if who != what.Subject {
			return disclosedb.Amended{}, nil // nothing of this subject was wrong
		}
		whole, _, _ := strings.Cut(what.Ref, "/")
		if id, err := thimble.ParseID(order.TokenPrefix, whole); err == nil {
			return feeds.Runner{Outbox: r.app.Disclose, Orders: r.app.Orders, Products: r.app.Catalog}.Corrected(ctx, recipient, g, who, id, fields)
		}
		return r.value(ctx, g, who, what, fields)
	})
}

// value is what is right of what is kept of a person themselves, for the fields of just that
// category.
func (r rightValues) value(ctx context.Context, g thimble.Grant, who thimble.SubjectID, what thimble.Correction, fields []disclose.Field) (made disclosedb.Amended, err error) {
	var right string
	var of thimble.Category
	if what.Name == "residence" {
		sealed, err := r.app.Subjects.Residence(ctx, who)
		if err != nil {
			return made, err
		}
		home, err := subject.OpenResidence(ctx, g, who, sealed)
		if err != nil {
			return made, err
		}
		right, of = home.Country, thimble.Country
	} else if kind := subject.Kind(what.Name); kind == subject.Email || kind == subject.Phone {
		if right, err = r.identifier(ctx, g, who, kind, what); err != nil {
			return made, err
		}
		of = kind.Category()
	}
	row := disclose.Row{}
	for _, f := range fields {
		if f.Category == of && right != "" {
			row[f.Name] = right
		}
	}
	if len(row) > 0 {
		made.Right = []disclose.Row{row}
	}
	return made, nil
}

// identifier is the address or number that a person said is right, as it is kept now; "" when
// it is not.
func (r rightValues) identifier(ctx context.Context, g thimble.Grant, who thimble.SubjectID, kind subject.Kind, what thimble.Correction) (string, error) {
	said, err := subject.Normalize(subject.Identifier{Kind: kind, Value: what.Value})
	if err != nil {
		return "", nil // it was taken away, and nothing is in its place
	}
	all, err := r.app.Subjects.Identifiers(ctx, who)
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if i.Kind != kind {
			continue
		}
		plain, err := g.Open(ctx, i.Cell, i.Sealed)
		if err != nil {
			return "", err
		}
		if said.Value.Reveal() == string(plain) { // to find the one that is right
			return string(plain), nil
		}
	}
	return "", nil
}

// redecides makes anew what was decided with wrong data.
type redecides struct{ app *App }

// again are the capabilities that can make a decision anew. Of others the decision counts
// no more, and the person is told that none is in its place.
func (r redecides) again(capability string) func(context.Context, thimble.SubjectID, string, int) (thimble.ID, string, error) {
	if capability == "recommend" {
		return r.app.Shop.Again
	}
	return nil
}

// Redo implements rights.Decisions. Of each capability and place the newest decision has
// an effect still: it is what the person sees there until the next is made.
func (r redecides) Redo(ctx context.Context, request thimble.ID, members []thimble.SubjectID, c thimble.Category, since, until time.Time) (made rights.Rescored, err error) {
	cause := request.Token(rights.TokenPrefix)
	all, err := r.app.Decisions.Fed(ctx, members, c, since, until, cause)
	if err != nil {
		return made, err
	}
	made.Fed = len(all)
	tokens := make([]string, 0, len(all))
	seen := map[[2]string]bool{}
	var ended []decisiondb.Superseded
	for _, f := range all {
		tokens = append(tokens, f.ID.Token(decision.TokenPrefix))
		place := [2]string{f.Capability, f.Placement}
		if seen[place] {
			ended = append(ended, decisiondb.Superseded{ID: f.ID})
			continue
		}
		seen[place] = true
		if err := r.one(ctx, cause, f, &made); err != nil {
			return made, fmt.Errorf("%s: %w", f.ID.Token(decision.TokenPrefix), err)
		}
	}
	made.Ended = len(ended)
	made.SHA256 = hashOfAll(tokens)
	return made, r.app.Decisions.Supersede(ctx, cause, ended...)
}

// hashOfAll is over tokens, sorted, a line each, in hexadecimal.
func hashOfAll(tokens []string) string {
	slices.Sort(tokens)
	h := sha256.New()
	for _, t := range tokens {
		_, _ = io.WriteString(h, t+"\n") // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// one makes one decision anew, unless that was done before a crash.
func (r redecides) one(ctx context.Context, cause string, f decisiondb.Fed, made *rights.Rescored) (err error) {
	was, now, why := f.ID.Token(decision.TokenPrefix), f.Again, "no program makes a decision of this kind anew by itself; you can ask that a person looks at it"
	if make := r.again(f.Capability); make != nil && now.IsZero() {
		if now, why, err = make(ctx, f.Subject, f.Placement, f.Results); err != nil {
			return err
		}
	}
	if err := r.app.Decisions.Supersede(ctx, cause, decisiondb.Superseded{ID: f.ID, Again: now}); err != nil {
		return err
	}
	if now.IsZero() {
		made.Not = append(made.Not, rights.NotRemade{Was: was, Why: why})
		return nil
	}
	same, err := r.app.Decisions.Same(ctx, f.ID, now)
	if err == nil {
		made.Anew = append(made.Anew, rights.AnewMade{Was: was, Now: now.Token(decision.TokenPrefix), Changed: !same})
	}
	return err
}

// differs says how a decision that was made anew differs: what is new in it, and what is
// gone from it.
func (d *doors) differs(ctx context.Context, g thimble.Grant, was, now string) (string, error) {
	var chosen [2][]thimble.ItemID
	for i, token := range []string{was, now} {
		id, err := thimble.ParseID(decision.TokenPrefix, token)
		if err != nil {
			return "", err
		}
		sealed, err := d.Decisions.Get(ctx, id)
		if err != nil {
			return "", err
		}
		own, err := d.own(ctx, g.Subject(), thimble.AutomatedDecision)
		if err != nil {
			return "", err
		}
		r, _, err := decisiondb.Open(ctx, own, sealed)
		if err != nil {
			return "", err
		}
		for _, res := range r.Results {
			chosen[i] = append(chosen[i], res.Item)
		}
	}
	names, err := d.Catalog.Get(ctx, slices.Concat(chosen[0], chosen[1])...)
	if err != nil {
		return "", err
	}
	only := func(a, b []thimble.ItemID) (all []string) {
		for _, id := range a {
			if name := names[id].Name; !slices.Contains(b, id) && name != "" {
				all = append(all, name)
			}
		}
		return all
	}
	gone, fresh := only(chosen[0], chosen[1]), only(chosen[1], chosen[0])
	switch {
	case len(gone)+len(fresh) == 0:
		return "The same is in it, in another order.", nil
	case len(fresh) == 0:
		return "Gone: " + listed(gone) + ".", nil
	case len(gone) == 0:
		return "New: " + listed(fresh) + ".", nil
	}
	return "Gone: " + listed(gone) + ". New: " + listed(fresh) + ".", nil
}

// listed names a few, and says how many more there are.
func listed(all []string) string {
	const most = 5
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
