package app

// Breathe and Aim are for a benchmark that runs as a server does, and for their test.
var (
	Breathe = breathe
	Aim     = aim
)
