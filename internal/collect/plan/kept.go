package plan

// Kept returns the uses of which something can be written at all: what is only dropped,
// only finds the person, or becomes a country is of none.
func (c *Compiled) Kept() []Use {
	var mask uint64
	seen := map[*Node]bool{}
	var within func(n *Node)
	within = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for i := range n.Fields {
			f := &n.Fields[i]
			switch {
			case f.Transform == Drop || f.Transform == Identifier || f.Transform == Country:
			case f.Child != nil:
				within(f.Child)
			default:
				mask |= 1 << f.Class
			}
		}
	}
	of := func(messages map[string]*Message) {
		for _, m := range messages {
			mask |= 1 << m.Class // that it happened
			within(m.Node)
		}
	}
	of(c.events)
	of(c.calls)
	within(c.Context)
	if c.CountryClass >= 0 {
		mask |= 1 << c.CountryClass
	}
	var kept []Use
	for i, u := range c.Classes {
		if mask>>i&1 == 1 {
			kept = append(kept, u)
		}
	}
	return kept
}
