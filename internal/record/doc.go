// Package record is what becomes of a recording: the spool it is captured in, the run directory
// that is made of it, and what is found out from that. Nothing of it needs the kernel that was
// traced, or root.
package record
