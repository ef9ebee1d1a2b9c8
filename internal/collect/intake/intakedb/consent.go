package intakedb

import (
	"context"
	"encoding/hex"

	"thimble/internal/collect/intake"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
)

// Consents takes down what people said to sources; it implements intake.Consents.
type Consents struct {
	whole  consentdb.Whole
	people *People
}

var _ intake.Consents = Consents{}

// NewConsents returns them over the store of consents.
func NewConsents(w consentdb.Whole, p *People) Consents { return Consents{w, p} }

// Hear implements intake.Consents. The proof is what there is of it: the source, the
// hash of what it sent, and the version of the text that was shown, as the source names
// it. The text itself was shown elsewhere, and the record says so.
func (c Consents) Hear(ctx context.Context, all []intake.Said) error {
	heard := make([]consentdb.Heard, len(all))
	for i, s := range all {
		// Whoever sits at a device speaks for it, and not against what the owner of an
		// account that it leads to has said: such a yes counts only for what nobody said.
		if s.Chosen && len(s.Yes) > 0 && !s.Source.Trusted() {
			owned, err := c.people.Owned(ctx, s.Who)
			if err != nil {
				return err
			}
			s.Chosen = !owned
		}
		heard[i] = consentdb.Heard{Who: s.Who, Yes: s.Yes, No: s.No, Chosen: s.Chosen, How: consentdb.How{
			Notice: notice(s), Since: s.At, By: consent.By{Actor: "signal:segment", Auth: "source"},
			UI: consent.UI{Component: "source", Path: []string{s.Source.Name, "sha256:" + hex.EncodeToString(s.Wire[:])}},
		}}
	}
	_, err := c.whole.Hear(ctx, heard)
	return err
}

func notice(s intake.Said) consent.Notice {
	n := consent.Notice{Lang: "en", Version: s.Notice, Text: "Shown by the source " + s.Source.Name + ", which sent the choice. The text is with the source"}
	if n.Version == "" {
		n.Version = "unnamed"
		n.Text += "; it did not name it.\n"
	} else {
		n.Text += ", under the name " + n.Version + ".\n"
	}
	return n
}
