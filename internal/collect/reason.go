package collect

import "fmt"

// A Reason is the rule that a rejected row breaks.
type Reason string

// The reasons.
const (
	BadEncoding    Reason = "encoding"
	ControlChar    Reason = "control"
	LineTooLong    Reason = "too_long"
	BadQuotes      Reason = "quotes"
	BadColumns     Reason = "columns"
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
)

var reasons = map[Reason]string{
	BadEncoding:    "the line is not UTF-8; save the file as UTF-8",
	ControlChar:    "the line has control characters; remove them",
	LineTooLong:    fmt.Sprintf("the line is longer than %d bytes", maxLine),
	BadQuotes:      "a quotation mark is not closed or not doubled",
	BadColumns:     "the row has more or fewer fields than the header",
	BadNumber:      "the order number must be 1 to 64 bytes on one line",
	Adjustment:     "a number of one letter and digits other than C… is a book-keeping adjustment, not an order",
	BadItem:        "the item code must be 1 to 64 bytes on one line",
	BadDescription: "the description must be at most 200 characters",
	BadQuantity:    "the quantity must be a whole number of at most nine digits",
	ZeroQuantity:   "the quantity must not be zero",
	QuantitySign:   "an order's quantity must be positive, a return's negative; the file's other negative rows are stock write-offs",
	BadPrice:       "the price must be a decimal number such as 2.55, without thousands separators",
	NegativePrice:  "the price must not be negative",
	BadDate:        "the date must be like 2011-12-09 12:50:00 and not before 1970; name another layout in the options",
	BadCustomer:    "the customer number must be at most 64 bytes, without control or invisible characters",
	OtherCustomer:  "the row names another customer than its order does",
	SplitOrder:     "the order ended before this row; its rows must be adjacent",
	TooManyLines:   "the order has more lines than an order may have",
}

// Rule says what the row should have been.
func (r Reason) Rule() string { return reasons[r] }

// A Reject is a row that was skipped.
type Reject struct {
	Line   int64 // in the source, the header being line 1
	Reason Reason
}

// KeptRejects is how many rejected rows an import lists one by one.
const KeptRejects = 1000
