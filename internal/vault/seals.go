package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
)

// seals are the keys with which the cells of a class and a date are sealed, of many
// owners, looked up once.
type seals struct {
	vault  *Vault
	class  string
	month  int
	owners []thimble.SubjectID
	keys   []*keyset // nil where the owner had none
}

// Prepare looks up the keys with which cells of a class and a date are sealed, and
// makes, in one transaction, those that were never made. It is for who seals for many
// owners at once and must not wait for a query and a commit for each. Its error is of kind
// thimble.ErrDenied or thimble.ErrNotFound when one of the owners was shredded or never
// had a key; then none is made, and sealing for such an owner is an error of kind
// thimble.ErrNotFound.
//
// What it returns is for one piece of work: whoever was shredded since is sealed for with a
// key that nobody has any more, so that the work asks whether its owners are there before
// it writes.
func (v *Vault) Prepare(ctx context.Context, class string, at time.Time, owners ...thimble.SubjectID) (thimble.Seals, error) {
	month, err := monthOf(at)
	if err != nil {
		return nil, fmt.Errorf("vault: preparing to seal: %w", err)
	}
	p := &seals{vault: v, class: class, month: month, owners: owners}
	var missing []thimble.SubjectID
	if p.keys, missing, err = v.lookupAll(ctx, class, month, owners); err != nil {
		return nil, fmt.Errorf("vault: preparing to seal: %w", err)
	}
	if len(missing) == 0 {
		return p, nil
	}
	if err := v.EnsureClass(ctx, class, at, missing...); err != nil {
		return p, err
	}
	if p.keys, _, err = v.lookupAll(ctx, class, month, owners); err != nil {
		return nil, fmt.Errorf("vault: preparing to seal: %w", err)
	}
	return p, nil
}

// Append implements thimble.Seals. A cell of another owner, class or month than was
// prepared for is an error of kind thimble.ErrInvalid.
func (p *seals) Append(dst []byte, n int, c *thimble.Cell, plain []byte) ([]byte, error) {
	month, err := cellMonth(c)
	switch {
	case err != nil:
	case n < 0 || n >= len(p.owners) || c.Owner != p.owners[n] || c.Class != p.class || month != p.month:
		err = fmt.Errorf("another cell was prepared for: %w", thimble.ErrInvalid)
	case p.keys[n] == nil:
		err = fmt.Errorf("the owner has no key; it was never made, or was shredded: %w", thimble.ErrNotFound)
	default:
		var out []byte
		if out, err = p.vault.sealWith(dst, &p.keys[n].keys[0], c, month, plain); err == nil {
			return out, nil
		}
	}
	return dst, fmt.Errorf("vault: sealing %s.%s: %w", c.Table, c.Column, err)
}

// lookupAll is lookup for many: those that are not at hand are read by one query. missing
// are those who have no key.
func (v *Vault) lookupAll(ctx context.Context, class string, month int, owners []thimble.SubjectID) (found []*keyset, missing []thimble.SubjectID, err error) {
	if _, err := v.id(ctx); err != nil {
		return nil, nil, err
	}
	now := v.cfg.Now()
	if err := v.feelPulse(ctx, now); err != nil {
		return nil, nil, err
	}
	found = make([]*keyset, len(owners))
	unknown := v.cache.all(found, owners, class, month, now)
	if len(unknown) == 0 {
		return found, nil, nil
	}
	ask := make([]thimble.SubjectID, len(unknown))
	for i, n := range unknown {
		ask[i] = owners[n]
	}
	turn := v.cache.turn()
	rows, err := v.store.KeysOf(ctx, ask, class, month > 0)
	if err != nil {
		return nil, nil, outage(err)
	}
	of := make(map[thimble.SubjectID][]Key, len(ask))
	for _, row := range rows {
		of[row.Owner] = append(of[row.Owner], row)
	}
	for _, n := range unknown {
		at := place{owners[n], class, month}
		ks, err := v.unwrapAll(ctx, at, of[at.owner])
		switch {
		case errors.Is(err, errNoKey):
			missing = append(missing, at.owner)
		case err != nil:
			return nil, nil, err
		default:
			found[n] = ks
			v.cache.put(at, ks, now, turn)
		}
	}
	return found, missing, nil
}
