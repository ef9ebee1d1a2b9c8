package rightsweb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
)

// ReceiptKind is the kind of the receipts of what was done, in addresses.
const ReceiptKind = "done"

// shownDone bounds how many of them are listed.
const shownDone = 300

// Executed are the requests of a person that were executed, and what opens their leaves.
type Executed interface {
	// Of returns the newest of a person, with an erasure of theirs that a law has stopped.
	Of(ctx context.Context, who thimble.SubjectID, limit int) ([]rights.Request, error)
	Opening(ctx context.Context, id thimble.ID) (ledger.Opening, error)
}

// PortalReceipts is the source of the receipts of what was done about a person who is there:
// each has the report, with counts and hashes.
func PortalReceipts(done Executed, own gateweb.Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Done for you",
		List: func(ctx context.Context, who thimble.SubjectID) (listed []ledgerweb.Listed, err error) {
			all, err := done.Of(ctx, who, shownDone)
			for _, r := range all {
				if r.State != rights.Executing {
					title, text := doneWords(r)
					listed = append(listed, ledgerweb.Listed{Key: r.ID.Token(rights.TokenPrefix), At: r.Done, Title: title, Text: text})
				}
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (o ledger.Opening, err error) {
			id, err := thimble.ParseID(rights.TokenPrefix, key)
			if err != nil {
				return o, fmt.Errorf("rightsweb: the receipt's key: %w", thimble.ErrNotFound)
			}
			if _, err = own(ctx, who, thimble.PrivacyPreferences); err != nil {
				return o, err
			}
			all, err := done.Of(ctx, who, shownDone)
			if err != nil {
				return o, err
			}
			for _, r := range all {
				if r.ID == id {
					return done.Opening(ctx, id)
				}
			}
			return o, fmt.Errorf("rightsweb: %s is about somebody else: %w", key, thimble.ErrNotFound)
		},
	}
}

// doneWords says what was done, so that anybody understands it.
func doneWords(r rights.Request) (title, text string) {
	if r.State == rights.Refused {
		return "Something could not be done", "Nothing was changed."
	}
	switch r.Kind {
	case rights.Access:
		return "All that is kept was put together", "For you to see, or for a firm that you had ask for it."
	case rights.Erase:
		return "You were forgotten, but for a part", "A law keeps the rest for a while."
	case rights.Restrict:
		return "The use of your data was stopped", "It is kept, and nobody works with it."
	case rights.Lift:
		return "The stop was ended", "Your data may be used again, as you allow it."
	case rights.Object:
		return "You said no", "To " + gateweb.PurposeWords(r.Report.Purpose) + "."
	case rights.Merge:
		return "Two accounts became one", "Both of them are yours."
	case rights.Unmerge:
		return "One account became two again", "It was not right that they were one."
	case rights.Rectify:
		return "Something wrong was put right", "It was about " + gateweb.CategoryWords(r.Report.Category) + "."
	}
	return "Something was done", ""
}
