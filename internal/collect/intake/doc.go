// Package intake takes the bodies of Segment's wire from a door to the log of frames:
// it reads them, finds whose they are, asks the gate, keeps what is permitted, and
// answers when that is durable.
package intake
