package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/order"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// A wrong is an order that was put to somebody and is not theirs, and what stood before.
type wrong struct {
	who   thimble.SubjectID
	order string // its token
	line  bool   // one line of it alone is wrong
	right string // the hash of the model without it
	shown []thimble.ID
	at    cases.Case
}

// TestAKilledCorrectionIsResumedAndLeavesNothingOfTheWrongValue kills the server at a
// random moment of a correction, often kills the next start as well, and holds what is
// there in the end against the state without the wrong value.
func TestAKilledCorrectionIsResumedAndLeavesNothingOfTheWrongValue(t *testing.T) {
	program, dir, files := binary(t), t.TempDir(), t.TempDir()
	chance := rand.New(rand.NewPCG(seed, 37))
	kills, killed, resumed, interrupted := rounds(5, 200), 0, 0, 0
	var people []thimble.SubjectID
	var w wrong
	for round := range kills + 1 {
		var cookie string
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { // which closes the installation at its end
			s := thimbletest.Open(t, map[string]string{"data": dir, "drop-folder": files})
			outlived(t, s)
			if round == 0 {
				people = peopled(s, kills+1)
			} else if said := corrected(t, s, w, round); said.Resumed {
				resumed++
			}
			w = mistaken(t, s, people[round], round)
			s.Employs("zoe", staff.Privacy)
			var err error
			if cookie, err = s.Sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: "zoe"}, session.UnknownDevice); err != nil {
				t.Fatal(err)
			}
		})
		if t.Failed() || round == kills {
			break
		}
		server := start(t, program, "serve", "--data", dir, "--drop-folder", files, "--listen", "127.0.0.1:0", "--log-level", "error")
		answered := make(chan int, 1)
		go func() {
			answered <- posts(t.Context(), server.url+"/console/cases/"+w.at.ID.Token(cases.TokenPrefix), &http.Cookie{Name: "thimble_staff", Value: cookie}, url.Values{"what": {string(cases.Accepted)}})
		}()
		begun(t, dir, answered, `kind = 'rectify'`)
		time.Sleep(time.Duration(chance.IntN(120)) * time.Millisecond)
		server.kill(t)
		killed++
		if <-answered != http.StatusSeeOther {
			interrupted++
		}
		halfCorrected(t, dir, w, round)
		for chance.IntN(2) == 0 { // the start that takes it up is killed too
			stillborn(t, program, dir, time.Duration(5+chance.IntN(300))*time.Millisecond)
			halfCorrected(t, dir, w, round)
		}
	}
	if interrupted == 0 || resumed == 0 {
		t.Error("no correction was interrupted and taken up: the test proves nothing on this machine")
	}
	t.Logf("%d kills (seed %d): %d corrections were not answered, %d of them were taken up by a later start", killed, seed, interrupted, resumed)
}

// mistaken puts an order to somebody that is not theirs, has the model learn it and lists
// be made with it, and has them say so.
func mistaken(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, round int) (w wrong) {
	t.Helper()
	ctx := t.Context()
	trained := func(why string) string {
		if _, err := s.App.Shop.Train(ctx, why, nil); err != nil {
			t.Fatal(err)
		}
		v, _ := s.App.Shop.Version()
		return hex.EncodeToString(v.Hash[:])
	}
	number, at := fmt.Sprint("wrong-", round), thimbletest.Lately(10_000+round) // of the month of all others: a training with it has the epoch of one without
	if w.line = round%2 == 1; w.line {
		s.OrdersAs(number, at, who, "belt")
	}
	w.who, w.right = who, trained("without what is wrong")
	if w.line { // the same order comes with one line too many
		if err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `delete from order_orders where subject_id = $1 and placed_at = $2`, who, at.UnixMicro())
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.OrdersAs(number, at, who, "belt", "extra-3")
	s.Works()
	if trained("with the order") == w.right {
		t.Fatal("the order changes nothing: the test shows nothing")
	}
	err := s.Core.Read(ctx, func(tx *sqldb.Tx) (err error) { // what they were shown since the day of the order counts as well
		w.shown, err = sqldb.Column[thimble.ID](ctx, tx, `select id from decision_decisions where subject_id = $1 and standing = 'stands' order by at`, who)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.shown = append(w.shown, s.Sees(who).Decision)
	}
	var wrongOne thimble.Datum
	for d, err := range s.Orders.Export(ctx, who) {
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := s.Orders.Remedy(d); ok && strings.HasPrefix(r.Was, fmt.Sprintf("wrong-%d ", round)) {
			wrongOne = d
		}
	}
	w.order = wrongOne.Ref
	fix := &cases.Fix{Subject: who.String(), Holder: s.Orders.HolderName(), Name: wrongOne.Name, Ref: wrongOne.Ref, Choice: "not_mine",
		Title: "An order", Was: "an order", Right: "it is not mine", Category: wrongOne.Category, Since: wrongOne.At.UTC()}
	if w.line {
		fix.Ref, fix.Choice, fix.Was = wrongOne.Ref+"/1", "not_bought", "extra-3, 1"
	}
	w.at, err = s.Cases.Open(ctx, casesdb.Asked{Subject: who, Kind: cases.Rectify, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Fix: thimble.Hide(fix)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// halfCorrected looks into the database as the kill left it: what is said to be corrected
// is, in every place.
func halfCorrected(t *testing.T, dir string, w wrong, round int) {
	t.Helper()
	id, err := thimble.ParseID(order.TokenPrefix, w.order)
	if err != nil {
		t.Fatal(err)
	}
	inCore(t, dir, func(tx *sqldb.Tx) error {
		var done, theirs int
		ctx := t.Context()
		if err := tx.QueryRow(ctx, `select count(*) from rights_requests where kind = 'rectify' and subject_id = $1 and state = 'fulfilled'`, w.who).Scan(&done); err != nil || done == 0 {
			return err
		}
		if err := tx.QueryRow(ctx, `select count(*) from order_orders where id = $1 and subject_id = $2`, id, w.who).Scan(&theirs); err != nil {
			return err
		}
		if theirs > 0 != w.line {
			t.Errorf("round %d (seed %d): the correction is done, and the order is theirs: %t, want %t", round, seed, theirs > 0, w.line)
		}
		for _, d := range w.shown {
			var standing string
			if err := tx.QueryRow(ctx, `select standing from decision_decisions where id = $1`, d).Scan(&standing); err != nil {
				return err
			}
			if standing != string(decision.Superseded) {
				t.Errorf("round %d (seed %d): the correction is done, and a decision that the order fed %s", round, seed, standing)
			}
		}
		return nil
	})
}

// corrected holds a correction to its word, once a start has finished it. One that the kill
// came before is made now.
func corrected(t *testing.T, s *thimbletest.Shop, w wrong, round int) rights.Report {
	t.Helper()
	ctx := t.Context()
	c, err := s.Cases.Get(ctx, w.at.ID)
	if err == nil && c.State == cases.Received {
		c, err = s.Cases.Accept(ctx, w.at.ID, cases.TheStaff, "zoe")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Works()
	if _, err := s.Cases.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if c, err = s.Cases.Get(ctx, c.ID); err != nil || c.State != cases.Fulfilled || len(c.Work) != 1 {
		t.Fatalf("round %d (seed %d): the case is %s, with %d requests, %v", round, seed, c.State, len(c.Work), err)
	}
	id, err := thimble.ParseID(rights.TokenPrefix, c.Work[0].Ref)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Requests.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	remade(t, s, r.Report, c.Work[0].Ref, w, round)
	return r.Report
}

// remade holds what is there after a correction against the state without the wrong value:
// the model byte for byte, the decisions once each.
func remade(t *testing.T, s *thimbletest.Shop, r rights.Report, cause string, w wrong, round int) {
	t.Helper()
	ctx := t.Context()
	v, serves := s.App.Shop.Version()
	if !serves || hex.EncodeToString(v.Hash[:]) != w.right {
		t.Errorf("round %d (seed %d): the model is not the one without the order", round, seed)
	}
	kept, err := s.Models.Kept(ctx, lists.ModelName)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kept {
		if k.Stage != registry.Champion {
			continue
		}
		p, err := s.Models.Open(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		if weights, err := s.App.Shop.Retrain(ctx, p); err != nil || !bytes.Equal(weights, p.Weights) {
			t.Errorf("round %d (seed %d): the weights are not those of a training on what is held, %v", round, seed, err)
		}
	}
	if d := r.Decisions; d == nil || d.Fed != len(w.shown) || d.Ended != len(w.shown)-1 || len(d.Anew) != 1 || d.Anew[0].Was != w.shown[len(w.shown)-1].Token(decision.TokenPrefix) {
		t.Fatalf("round %d (seed %d): the report says %+v of %d decisions", round, seed, d, len(w.shown))
	}
	for _, id := range w.shown {
		d, err := s.Decisions.Get(ctx, id)
		if err != nil || d.Standing != decision.Superseded || d.Cause != cause {
			t.Errorf("round %d (seed %d): a decision that the order fed %s because of %q, %v", round, seed, d.Standing, d.Cause, err)
		}
	}
	anew, err := thimble.ParseID(decision.TokenPrefix, r.Decisions.Anew[0].Now)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.Decisions.Get(ctx, anew); err != nil || d.Standing != decision.Stands {
		t.Errorf("round %d (seed %d): what is in their place %s, %v", round, seed, d.Standing, err)
	}
	if len(r.Told) != 1 || r.Until.IsZero() || len(r.Holders) != 1 || len(r.Holders[0].Kept) != 1 {
		t.Errorf("round %d (seed %d): told %+v, holders %+v", round, seed, r.Told, r.Holders)
	}
	audit, err := s.Audit(ctx)
	if err != nil || len(audit.Findings) > 0 {
		t.Errorf("round %d (seed %d): the audit: %+v, %v", round, seed, audit.Findings, err)
	}
}
