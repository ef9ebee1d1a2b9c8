package intakedb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// Join implements intake.People, in one transaction for all.
func (p *People) Join(ctx context.Context, all []intake.Joining) ([]intake.Joined, error) {
	joined := make([]intake.Joined, len(all))
	drafts, err := p.drafts(ctx, all, joined)
	if err != nil {
		return nil, fmt.Errorf("intake: joining: %w", err)
	}
	if !slices.Contains(joined, "") {
		return joined, nil
	}
	var now []intake.Joined
	err = p.db.Write(ctx, func(tx *sqldb.Tx) error {
		now = slices.Clone(joined)
		// All are looked at as they are before any is joined: what was judged was judged of that.
		for i := range all {
			if now[i] != "" {
				continue
			}
			if now[i], err = p.look(ctx, tx, all[i]); err != nil {
				return err
			}
		}
		for i := range all {
			if now[i] != "" {
				continue
			}
			if now[i], err = p.one(ctx, tx, all[i], drafts[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("intake: joining: %w", err)
	}
	return now, nil
}

// look says what stands against a joining: that somebody was forgotten, or is not as
// they were judged. "" is for nothing.
func (p *People) look(ctx context.Context, tx *sqldb.Tx, j intake.Joining) (intake.Joined, error) {
	to, err := p.store.PersonTx(ctx, tx, j.To)
	if errors.Is(err, thimble.ErrNotFound) {
		return intake.Lost, nil
	}
	if err != nil {
		return "", err
	}
	_, owner, err := p.owner(ctx, tx, j)
	if err != nil {
		return "", err
	}
	var has subject.Person
	if owner.IsZero() {
		gone, err := p.forgotten(ctx, []subject.Identifier{j.ID}, func(ctx context.Context, ids []subject.Identifier) ([]bool, error) {
			return p.store.SuppressedTx(ctx, tx, ids)
		})
		if err != nil {
			return "", err
		}
		if gone[0] {
			return intake.Lost, nil
		}
	} else if has, err = p.store.PersonTx(ctx, tx, owner); err != nil && !errors.Is(err, thimble.ErrNotFound) {
		return "", err
	}
	if err != nil || !j.Judged(to, has) {
		return intake.Moved, nil
	}
	return "", nil
}

// owner returns who has an identifier, zero for nobody, and as what: what may be either
// is an account's before it is a device's.
func (p *People) owner(ctx context.Context, tx *sqldb.Tx, j intake.Joining) (subject.Identifier, thimble.SubjectID, error) {
	if j.Either {
		if account, err := subject.NewIdentifier(subject.Account, j.ID.Value.Reveal()); err == nil { // to look it up
			owner, err := p.store.OwnerTx(ctx, tx, account)
			if err != nil || !owner.IsZero() {
				return account, owner, err
			}
		}
	}
	owner, err := p.store.OwnerTx(ctx, tx, j.ID)
	return j.ID, owner, err
}

// names are the identifiers by which whoever has one may have been forgotten: what is
// said to be a device may be an account's number, or an address.
func names(id subject.Identifier) []subject.Identifier {
	all := []subject.Identifier{id}
	if id.Kind != subject.Device {
		return all
	}
	for _, k := range []subject.Kind{subject.Account, subject.Email} {
		if other, err := subject.NewIdentifier(k, id.Value.Reveal()); err == nil { // to look it up
			all = append(all, other)
		}
	}
	return all
}

// forgotten reports, for each identifier, whether a person with it was forgotten, by
// whichever name.
func (p *People) forgotten(ctx context.Context, ids []subject.Identifier, ask func(context.Context, []subject.Identifier) ([]bool, error)) ([]bool, error) {
	var all []subject.Identifier
	var of []int
	for i := range ids {
		for _, n := range names(ids[i]) {
			all, of = append(all, n), append(of, i)
		}
	}
	marked, err := ask(ctx, all)
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(ids))
	for n, i := range of {
		gone[i] = gone[i] || marked[n]
	}
	return gone, nil
}

func (p *People) drafts(ctx context.Context, all []intake.Joining, joined []intake.Joined) ([]subjectdb.Draft, error) {
	drafts := make([]subjectdb.Draft, len(all))
	for i := range all {
		if joined[i] != "" {
			continue
		}
		var err error
		drafts[i], err = p.store.DraftFor(ctx, all[i].To, all[i].ID)
		if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
			joined[i] = intake.Lost // their key is gone
		} else if err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// one joins one identifier, as things are within the transaction.
func (p *People) one(ctx context.Context, tx *sqldb.Tx, j intake.Joining, d subjectdb.Draft) (intake.Joined, error) {
	to, err := p.store.PersonTx(ctx, tx, j.To)
	if err != nil {
		return "", err
	}
	var owner thimble.SubjectID
	if j.ID, owner, err = p.owner(ctx, tx, j); err != nil {
		return "", err
	}
	shared, err := p.store.SharedTx(ctx, tx, []subject.Identifier{j.ID})
	switch {
	case err != nil:
		return "", err
	case shared[0]:
		return intake.Shared, nil
	case owner.IsZero():
		return p.add(ctx, tx, d)
	case owner == j.To:
		return intake.Same, nil
	case !j.Links:
		return intake.Refused, nil // whose address it is is not for one source to say
	}
	return p.link(ctx, tx, j, to, owner)
}

func (p *People) add(ctx context.Context, tx *sqldb.Tx, d subjectdb.Draft) (intake.Joined, error) {
	err := p.store.Add(ctx, tx, d)
	if errors.Is(err, thimble.ErrConflict) {
		return intake.Refused, nil // they have as many as one may have
	}
	return intake.Added, err
}

// link makes the subject that has the identifier one person with the other.
func (p *People) link(ctx context.Context, tx *sqldb.Tx, j intake.Joining, to subject.Person, owner thimble.SubjectID) (intake.Joined, error) {
	for _, m := range to.Members {
		if m.ID == owner {
			return intake.Same, nil
		}
	}
	other, err := p.store.PersonTx(ctx, tx, owner)
	if err != nil {
		return "", err
	}
	if j.ID.Kind == subject.Device {
		has, err := p.store.HasTx(ctx, tx, other, subject.Account)
		if err != nil {
			return "", err
		}
		if has {
			// Two accounts at one device are two people: a family's tablet, a till.
			return intake.Shared, p.store.Share(ctx, tx, j.ID)
		}
	}
	_, err = p.store.Link(ctx, tx, j.To, owner, subject.Evidence{Ground: subject.ByAccount, By: j.By})
	if errors.Is(err, thimble.ErrConflict) {
		return intake.Refused, nil // related, or more than one person may be
	}
	return intake.Linked, err
}
