-- For wrk: sends the requests of the file named by REQUESTS one after the other, each once. A
-- request there is its length in decimal, a line break, and its bytes.
local requests, sent = {}, 0

function init()
        local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
        for length in function() return file:read("*n", 1) end do
                requests[#requests + 1] = file:read(length)
        end
        file:close()
end

function request()
        sent = sent + 1
        assert(requests[sent], "there are not enough requests for this long")
        return requests[sent]
end
