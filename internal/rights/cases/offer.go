package cases

import "time"

// Lies is how long what was asked for lies ready, from when the person was told, until the
// request is closed. It can be opened afterwards as before: nothing is thrown away.
const Lies = 30 * 24 * time.Hour

// offered notes that the person knows that what they asked for lies ready. The law has it
// provided, which a secure page of their own does once they are told of it (GDPR recital 63,
// Art. 12(3); 11 CCR 7024(g)): when that was in time, the date is met, and what is left is
// the day on which the request is closed.
func (c *Case) offered(at time.Time) {
	c.Ready = at
	if closes := at.Add(Lies); at.Before(c.Due) && closes.After(c.Due) {
		c.Due, c.Rule = closes, "ready, and told, in time: it is closed then by itself; before, "+c.Rule
	}
}

// permitsOffer is permits of what lies ready.
func (c Case) permitsOffer(e Event) error {
	switch {
	case c.Verb() != Collected:
		return conflict("nothing of it lies ready")
	case e.What == Offered && !c.Ready.IsZero():
		return conflict("they were told")
	case e.What == Left && (c.Ready.IsZero() || e.At.Before(c.Ready.Add(Lies))):
		return conflict("the person was not told, or has time to open it")
	case e.What == Left && e.Waits.Open > 0:
		return conflict("systems outside have still to answer")
	}
	return nil
}
