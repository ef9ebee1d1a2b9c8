package gate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"thimble"
)

// StaffRules says what members of staff may read, beside what the law and the person say.
type StaffRules interface {
	// For looks up what there is to know of an account, and of what it may with a person.
	For(ctx context.Context, account string, who thimble.SubjectID) (StaffJudge, error)
}

// A StaffJudge answers whether one account may read a category of one person's data;
// masked says that only enough of it is shown to know it again.
type StaffJudge interface {
	MayRead(p thimble.Purpose, c thimble.Category, masked bool) StaffAnswer
}

// A StaffAnswer answers it.
type StaffAnswer struct {
	Allowed bool
	Why     string   // of a no, in plain words
	Roles   []string // of whoever asks
	Rules   []string // that decided
	Glass   bool     // it is permitted only because they broke the glass
}

// Obeys has staff asked for by rules. It is called while the gate is wired; without rules
// any member of staff may what the law and the person permit.
func (g *Gate) Obeys(r StaffRules) { g.staff = r }

// ofStaff holds a verdict that permits something to staff against the rules: every
// category must be permitted. Rules that cannot be asked permit nothing.
func (g *Gate) ofStaff(ctx context.Context, r *Request, v *Verdict) {
	if r.Actor.Kind != Staff || g.staff == nil || !v.Allowed {
		return
	}
	judge, err := g.staff.For(ctx, r.Actor.Name, r.Subject)
	if err != nil {
		v.Allowed, v.Why = false, "the rules for staff cannot be asked"
		return
	}
	for _, c := range r.Categories {
		a := judge.MayRead(r.Purpose, c, slices.Contains(r.Masked, c))
		if !a.Allowed {
			v.Allowed, v.Why = false, fmt.Sprintf("%s (%s)", a.Why, c)
			return
		}
		v.Roles, v.Glass = a.Roles, v.Glass || a.Glass
		for _, rule := range a.Rules {
			if !slices.Contains(v.Rules, rule) {
				v.Rules = append(v.Rules, rule)
			}
		}
	}
}

// Sift returns the request without the categories that the rules keep from whoever of the
// staff asks, and those that only masked may be seen marked as such. Withheld are the
// others, each with why. Other actors' requests pass as they are.
func (g *Gate) Sift(ctx context.Context, r Request) (sifted Request, withheld map[thimble.Category]string, err error) {
	if r.Actor.Kind != Staff || g.staff == nil {
		return r, nil, nil
	}
	judge, err := g.staff.For(ctx, r.Actor.Name, r.Subject)
	if err != nil {
		return r, nil, fmt.Errorf("gate: asking the rules for staff: %w", err)
	}
	sifted, withheld = r, map[thimble.Category]string{}
	sifted.Categories, sifted.Masked = nil, nil
	for _, c := range r.Categories {
		clear := StaffAnswer{}
		if !slices.Contains(r.Masked, c) {
			clear = judge.MayRead(r.Purpose, c, false)
		}
		masked := StaffAnswer{Allowed: true}
		if !clear.Allowed {
			masked = judge.MayRead(r.Purpose, c, true)
		}
		switch {
		case clear.Allowed:
			sifted.Categories = append(sifted.Categories, c)
		case masked.Allowed:
			sifted.Categories, sifted.Masked = append(sifted.Categories, c), append(sifted.Masked, c)
		default:
			withheld[c] = cmp.Or(clear.Why, masked.Why)
		}
	}
	return sifted, withheld, nil
}
