package collect

import (
	"fmt"

	"thimble/internal/collect/table"
)

// A Reason is the rule that a rejected row breaks.
type Reason string

// The reasons.
const (
	BadEncoding           = Reason(table.BadEncoding)
	ControlChar           = Reason(table.ControlChar)
	LineTooLong           = Reason(table.LineTooLong)
	BadQuotes             = Reason(table.BadQuotes)
	BadColumns            = Reason(table.BadColumns)
	BadNumber      Reason = "number"
	Adjustment     Reason = "adjustment"
	BadItem        Reason = "item"
	BadDescription Reason = "description"
	BadQuantity    Reason = "quantity"
	ZeroQuantity   Reason = "quantity_zero"
	QuantitySign   Reason = "quantity_sign"
	BadPrice       Reason = "price"
	NegativePrice  Reason = "price_negative"
	BadDate        Reason = "date"
	BadCustomer    Reason = "customer"
	OtherCustomer  Reason = "customer_differs"
	SplitOrder     Reason = "split"
	TooManyLines   Reason = "lines"
	BadCurrency    Reason = "currency"
	BadCategory    Reason = "category"
	NoIdentifier   Reason = "identifier"
	BadPlace       Reason = "place"
	BadRating      Reason = "rating"
	BadText        Reason = "text"
	BadPurpose     Reason = "purpose"
	BadChoice      Reason = "choice"
	NoProof        Reason = "proof"
	BadEvidence    Reason = "evidence"
	UnknownPerson  Reason = "nobody"
	LaterNo        Reason = "later_no"
	RanOut         Reason = "ran_out"
	ChildsYes      Reason = "child"
)

var reasons = map[Reason]string{
	BadNumber:      "the order number must be 1 to 64 bytes on one line",
	Adjustment:     "a number of one letter and digits other than C… is a book-keeping adjustment, not an order",
	BadItem:        "the item code must be 1 to 64 bytes on one line",
	BadDescription: "the description must be at most 200 characters",
	BadQuantity:    "the quantity must be a whole number of at most nine digits",
	ZeroQuantity:   "the quantity must not be zero",
	QuantitySign:   "an order's quantity must be positive, a return's negative; the file's other negative rows are stock write-offs",
	BadPrice:       "the price must be a decimal number such as 2.55, without thousands separators",
	NegativePrice:  "the price must not be negative",
	BadDate:        "the date must be written as the mapping says, like 2011-12-09 12:50:00 if it says nothing; not before 1970, and not from tomorrow",
	BadCustomer:    "the customer number must be at most 64 bytes, without control or invisible characters",
	OtherCustomer:  "the row names another customer than its order does",
	SplitOrder:     "the order ended before this row; its rows must be adjacent",
	TooManyLines:   "the order has more lines than an order may have",
	BadCurrency:    "the currency must be three capital letters, the same in all lines of an order; map a column to it, or name it with --currency",
	BadCategory:    "the category must be at most 64 characters on one line",
	NoIdentifier:   "the row needs a customer number, an e-mail address or a phone number with its country; what was there is none",
	BadPlace:       "the place must be at most 64 characters on one line",
	BadRating:      "the rating must be a number from 1 to 5",
	BadText:        fmt.Sprintf("title and text must be at most %d bytes together", MaxReview),
	BadPurpose:     "the purpose must be one that is asked for, by its key or its words on the page of choices",
	BadChoice:      "the choice must be given, refused or withdrawn, or yes or no",
	NoProof:        "a yes needs its proof: when, where, the version of the text, and the evidence's SHA-256",
	BadEvidence:    "the evidence must be a SHA-256 in 64 hex digits, the place and the version at most 100 characters",
	UnknownPerson:  "nobody has this identifier; import the customer first",
	LaterNo:        "the person has said no since: the later no holds",
	RanOut:         "the consent has run out since it was given; ask again",
	ChildsYes:      "a known child cannot say yes by an import; a guardian decides",
}

// Rule says what the row should have been.
func (r Reason) Rule() string {
	if words := reasons[r]; words != "" {
		return words
	}
	return table.Flaw(r).Rule()
}

// A Reject is a row that was skipped.
type Reject struct {
	Line   int64 // in the source, the header being line 1; of a feed, the place of the entry
	Reason Reason
}

// KeptRejects is how many rejected rows an import lists one by one.
const KeptRejects = 1000
