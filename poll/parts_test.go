package poll

import (
	"bytes"
	"testing"
	"unsafe"

	"switchyard"
)

func TestTable(t *testing.T) {
	var tab table[int]
	for i := range int32(3 * pageLen) {
		if id := tab.take(); id != i {
			t.Fatalf("place %d, want %d", id, i)
		}
	}
	first := tab.at(0)
	*first = 7
	tab.give(5)
	tab.give(100)
	for _, want := range []int32{100, 5, 3 * pageLen} {
		if id := tab.take(); id != want {
			t.Errorf("place %d, want %d", id, want)
		}
	}
	if tab.at(0) != first || *tab.at(0) != 7 {
		t.Error("a place moved as the table grew")
	}
}

// An idle connection costs its handler's state and little more.
func TestIdleConnectionIsSmall(t *testing.T) {
	conn := unsafe.Sizeof(switchyard.Conn{})
	if n := unsafe.Sizeof(slot{}); n > conn+24 {
		t.Errorf("a slot has %d bytes, of which the handler needs %d", n, conn)
	}
	if n := unsafe.Sizeof(uringSlot{}); n > conn+40 {
		t.Errorf("a slot of io_uring has %d bytes, of which the handler needs %d", n, conn)
	}
}

func TestLingerers(t *testing.T) {
	var q lingerers
	next := int32(0)
	for i := range int32(1000) {
		q.push(int64(i), i, uint32(i))
		if i%3 != 0 {
			continue
		}
		if q.first() != int64(next) {
			t.Fatalf("first is due at %d, want %d", q.first(), next)
		}
		if id, serial := q.pop(); id != next || serial != uint32(next) {
			t.Fatalf("popped %d, %d, want %d", id, serial, next)
		}
		next++
	}
	for !q.empty() {
		if id, _ := q.pop(); id != next {
			t.Fatalf("popped %d, want %d", id, next)
		}
		next++
	}
	if next != 1000 {
		t.Errorf("%d came out of 1000", next)
	}
}

func TestBacklog(t *testing.T) {
	var all backlogs
	i := all.take()
	b := all.at(i)
	var want []byte
	for n := range 500 {
		p := bytes.Repeat([]byte{byte(n)}, n%37)
		b.add(p)
		want = append(want, p...)
		take := min(n%29, b.len())
		if !bytes.Equal(b.buf[b.off:], want) {
			t.Fatalf("after %d: %d bytes, want %d", n, b.len(), len(want))
		}
		b.off += take
		want = want[take:]
	}
	all.give(i)
	if j := all.take(); j != i || all.at(j).len() != 0 {
		t.Errorf("taken again: %d with %d bytes, want %d and none", j, all.at(j).len(), i)
	}
}

func TestOutBuffers(t *testing.T) {
	var o outBuffers
	if err := o.open(); err != nil {
		t.Fatal(err)
	}
	defer o.close()
	fillWith := func(b byte, n int) (int32, []byte) {
		room := o.room()
		if len(room) < chunkRoom {
			t.Fatalf("room for %d bytes, want %d or more", len(room), chunkRoom)
		}
		n = min(n, len(room))
		for i := range room[:n] {
			room[i] = b
		}
		return o.hold(n)
	}
	type held struct {
		chunk int32
		out   []byte
		b     byte
	}
	var sends []held
	for b := range byte(200) {
		c, out := fillWith(b, 1+int(b)*300%switchyard.OutSize)
		sends = append(sends, held{c, out, b})
		if b%5 == 4 { // complete some, not in order
			done := sends[len(sends)/2]
			sends = append(sends[:len(sends)/2], sends[len(sends)/2+1:]...)
			o.letGo(done.chunk)
		}
		for _, s := range sends {
			if bytes.Count(s.out, []byte{s.b}) != len(s.out) {
				t.Fatalf("what was sent as %d was overwritten", s.b)
			}
		}
	}
	for _, s := range sends {
		o.letGo(s.chunk)
	}
	for i := range o.chunks {
		if n := o.chunks[i].sends; n != 0 {
			t.Errorf("chunk %d: %d sends left", i, n)
		}
	}
	if len(o.free) != len(o.chunks)-1 {
		t.Errorf("%d of %d chunks are free, want all but the one being filled", len(o.free),
			len(o.chunks))
	}
}
