package poll

import (
	"switchyard"
	"switchyard/internal/sys"
)

// outBuffers is the memory that replies are sent from. The kernel may read it long after the
// submission, so it is outside the Go heap and a chunk is used again only when every send from it
// has completed. Short replies lie one behind the other: a batch of them stays within a few cache
// lines.
type outBuffers struct {
	chunks []chunk
	free   []int32 // chunks nobody sends from
	now    int32   // the chunk that is being filled
	used   int     // how far
}

type chunk struct {
	mem   []byte
	sends int32 // sends from it that have not completed
}

const (
	// chunkRoom is the least room a step gets in a chunk before the next chunk is begun.
	chunkRoom = 4 << 10
	// keepChunks is how many unused chunks keep their memory.
	keepChunks = 64
)

func (o *outBuffers) open() error {
	o.now = -1
	return o.next()
}

func (o *outBuffers) close() {
	for i := range o.chunks {
		if c := &o.chunks[i]; c.mem != nil {
			sys.Unmap(c.mem)
			c.mem = nil
		}
	}
}

// next begins a chunk.
func (o *outBuffers) next() error {
	if n := len(o.free); n > 0 {
		i := o.free[n-1]
		if c := &o.chunks[i]; c.mem == nil {
			mem, err := sys.MapPrivate(switchyard.OutSize)
			if err != nil {
				return err
			}
			c.mem = mem
		}
		o.free = o.free[:n-1]
		o.now, o.used = i, 0
		return nil
	}
	mem, err := sys.MapPrivate(switchyard.OutSize)
	if err != nil {
		return err
	}
	o.chunks = append(o.chunks, chunk{mem: mem})
	o.now, o.used = int32(len(o.chunks)-1), 0
	return nil
}

// room is where a step puts its output; nil without memory.
func (o *outBuffers) room() []byte {
	if switchyard.OutSize-o.used < chunkRoom {
		// The chunk is full, and free once its last send has completed.
		if o.next() != nil {
			return nil
		}
	}
	return o.chunks[o.now].mem[o.used:]
}

// hold makes the first n bytes of room a send's.
func (o *outBuffers) hold(n int) (index int32, out []byte) {
	c := &o.chunks[o.now]
	out = c.mem[o.used : o.used+n]
	c.sends++
	o.used += n
	return o.now, out
}

// letGo ends a send from a chunk.
func (o *outBuffers) letGo(i int32) {
	c := &o.chunks[i]
	c.sends--
	switch {
	case c.sends > 0:
	case i == o.now:
		o.used = 0
	default:
		if len(o.free) >= keepChunks {
			sys.Unmap(c.mem)
			c.mem = nil
		}
		o.free = append(o.free, i)
	}
}
