package intake

// NewPerHour sets how many people the events of one public source may make in an hour.
func (in *Intake) NewPerHour(n int) { in.budget = newBudget(n) }
