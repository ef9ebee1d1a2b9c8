package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/ledger"
	"thimble/internal/recommend/lists"
)

// errDiffers ends an explanation whose decision comes out otherwise with exit code 1.
var errDiffers = errors.New("done again, the decision comes out otherwise than it was kept")

// An explanation is what explain says of a decision.
type explanation struct {
	ID       string            `json:"id,omitempty"`
	For      decision.Audience `json:"for"`
	Text     string            `json:"text"`
	Replay   string            `json:"replay"`  // equal, or what differs
	Receipt  string            `json:"receipt"` // genuine, not checked, or none yet
	Model    string            `json:"model"`   // equal, gone, or what differs
	Standing decision.Standing `json:"standing,omitempty"`
	Record   json.RawMessage   `json:"record"`
}

// explain does a decision again and says why it came out as it did. It opens one of an
// installation through the gate, as staff and recorded, or one out of a receipt that
// somebody has.
func explain(ctx context.Context, c *call) error {
	if c.flags.NArg() != 1 {
		return errWords
	}
	to := decision.Audience(c.flags.Lookup("for").Value.String())
	what := c.flags.Arg(0)
	var e explanation
	var err error
	if strings.HasPrefix(what, decision.TokenPrefix+"_") {
		e, err = explainKept(ctx, c, what, to)
	} else {
		e, err = explainReceipt(c, what, to)
	}
	if err != nil {
		return err
	}
	if c.flags.Lookup("json").Value.String() == "true" {
		out := json.NewEncoder(c.out)
		out.SetIndent("", "  ")
		err = out.Encode(e)
	} else {
		_, err = fmt.Fprintf(c.out, "%s\n\nDone again from the record: %s.\nReceipt: %s.\nModel: %s.\n", strings.TrimSpace(e.Text), e.Replay, e.Receipt, e.Model)
	}
	if e.Replay != equal || strings.HasPrefix(e.Model, "differs") {
		err = errors.Join(err, errDiffers)
	}
	return err
}

const equal = "equal"

// explained fills in what needs the record alone.
func explained(types *decision.Types, record []byte, to decision.Audience, w decision.Words) (decision.Record, explanation, error) {
	e := explanation{For: to, Replay: equal, Receipt: "not checked; give --key", Model: "not compared: there is no installation", Record: record}
	r, err := decision.Read(record)
	if err != nil {
		return r, e, err
	}
	if err := r.Check(); err != nil {
		e.Replay = "differs: " + line(err)
	}
	e.Text, err = types.Text(r, to, w)
	return r, e, err
}

func explainReceipt(c *call, file string, to decision.Audience) (explanation, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return explanation{}, invalid("%s cannot be read; name a decision dec_… or the file of a receipt", filepath.Base(file))
	}
	receipt, err := ledger.ParseReceipt(text)
	if err != nil {
		return explanation{}, err
	}
	types, err := decision.NewTypes(lists.DecisionTypes()...)
	if err != nil {
		return explanation{}, err
	}
	if err := receipt.Opening.Check(); err != nil {
		return explanation{}, err
	}
	_, e, err := explained(types, receipt.Opening.Record, to, decision.Words{})
	if key := c.flags.Lookup("key").Value.String(); err == nil && key != "" {
		if _, err = ledger.Verify(text, key); err == nil {
			e.Receipt = "genuine"
		}
	}
	return e, err
}

func explainKept(ctx context.Context, c *call, token string, to decision.Audience) (e explanation, err error) {
	id, err := thimble.ParseID(decision.TokenPrefix, token)
	if err != nil {
		return e, invalid("%s: an id of the form dec_… was expected", token)
	}
	a, err := c.open(ctx)
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	d, err := a.Decisions.Get(ctx, id)
	if err != nil {
		return e, err
	}
	staff := c.flags.Lookup("staff").Value.String()
	if staff == "" {
		return e, invalid("--staff: say who you are; the customer sees who opened their decision")
	}
	kept, opening, err := a.PeekDecision(ctx, staff, d)
	if err != nil {
		return e, err
	}
	names, err := a.DecisionWords(ctx, kept)
	if err != nil {
		return e, err
	}
	r, e, err := explained(a.Decisions.Types(), opening.Record, to, names)
	if err != nil {
		return e, err
	}
	e.ID, e.Standing, e.Receipt = token, d.Standing, "the log has not signed it yet"
	if receipt, err := a.Ledger.Receipt(ctx, opening); err == nil {
		text, err := receipt.MarshalText()
		if err == nil {
			_, err = ledger.Verify(text, a.Ledger.VerifierKey())
		}
		if e.Receipt = "genuine"; err != nil {
			return e, err
		}
	}
	e.Model, err = a.CompareWithModel(ctx, r)
	return e, err
}
