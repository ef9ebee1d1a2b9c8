// Package calendar counts legal periods: hours, days, business days, months and
// years, each law by its own named rule.
//
// It promises:
//
//   - a period of hours runs on the line of instants, so no clock change bends it;
//     any other period runs on the civil calendar of one zone and ends with the
//     last day there, however long that day is;
//   - the four rules differ where the laws do: whether the day of the event
//     counts, where a month without that day ends, and whether a last day that
//     nobody works moves on;
//   - where a rule leaves two readings, the one that ends earlier is taken, and the
//     comment at that line says so. A holiday that is missing makes a date
//     earlier, never later;
//   - time zones are in the binary, so that every machine counts the same.
package calendar

import _ "time/tzdata" // zones must not depend on the machine
