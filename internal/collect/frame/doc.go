// Package frame is the form in which events lie in the log: what came in together is
// one frame, and each record in it is one event of one person, sealed in parts, a
// part for each category of data.
package frame
