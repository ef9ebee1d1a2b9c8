package cases

import (
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/policy"
)

// A Due is the date of a case, and why it is that.
type Due struct {
	By       time.Time // the first instant that is too late
	Rule     string    // which law sets it
	Law      string    // the packs that were asked
	Extended bool
	Paused   bool
	Void     []string // what no law counts, and why
}

// Dates says when something is due: what was asked for, or an appeal about it.
type Dates func(k Kind, appeal bool, from time.Time, h policy.History) (Due, error)

// Deadlines returns the dates by a person's law. The earliest counts. Where the law has
// none, neither for this nor for what it is a part of, the month counts that the general
// law has for access (GDPR Art. 12(3)), and the rule says so.
func Deadlines(law, general *policy.Law) Dates {
	return func(k Kind, appeal bool, from time.Time, h policy.History) (Due, error) {
		rights := append([]Kind{k}, k.nature().Next...)
		keys := make([]string, 0, 2*len(rights)+1)
		if appeal {
			for _, r := range rights {
				keys = append(keys, string(r)+"/appeal")
			}
			keys = append(keys, "appeal")
		}
		for _, r := range rights {
			keys = append(keys, string(r))
		}
		for _, key := range keys {
			d, err := due(law, key, from, h)
			if !errors.Is(err, thimble.ErrNotFound) {
				if key != string(k) && !appeal {
					d.Rule += " (the date for " + key + ")"
				}
				return d, err
			}
		}
		d, err := due(general, string(Access), from, h)
		if err != nil {
			return d, fmt.Errorf("cases: no law sets a date: %w: %w", err, thimble.ErrUnavailable)
		}
		d.Rule, d.Law = "the month of the GDPR: "+law.Ref()+" sets no date for "+string(k), law.Ref()
		return d, nil
	}
}

// due is the earliest date that a law sets. An extension is one only if every law of it
// allows one: the earliest date is of one that was extended.
func due(law *policy.Law, key string, from time.Time, h policy.History) (Due, error) {
	all, err := law.Due(key, from, h)
	if err != nil {
		return Due{}, err
	}
	first := all[0]
	d := Due{By: first.By, Law: law.Ref(), Extended: first.Extended, Paused: first.Paused, Void: first.Void}
	o := first.Clock.Origin
	d.Rule = fmt.Sprintf("%s, %s: %s", o.Pack, o.Cite, first.Clock.Within)
	return d, nil
}
