// Mercurius with JIT over better-sqlite3. Each resolver is one prepared, synchronous statement, the fastest way
// that we found; the token is verified by fast-jwt, which remembers tokens if BENCHMARK_TOKEN_CACHE is set.
// Its update is a bare one: no version is checked, nothing is audited.

import Database from 'better-sqlite3'
import { createVerifier } from 'fast-jwt'
import Fastify from 'fastify'
import mercurius from 'mercurius'

const settings = process.env

const database = new Database(settings.BENCHMARK_DATABASE)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.pragma('mmap_size = 1073741824')

const SHARE = "id, tag, printf('%d.%04d', price / 10000, price % 10000) AS price, version"
const share = database.prepare(`SELECT ${SHARE} FROM share WHERE id = ?`)
const shares = database.prepare(`SELECT ${SHARE} FROM share WHERE industry_id = ? ORDER BY id`)
const industry = database.prepare('SELECT id, tag, name FROM industry WHERE id = ?')
const industries = database.prepare('SELECT id, tag, name FROM industry ORDER BY id LIMIT ?')
const update = database.prepare(
  `UPDATE share SET price = ?, version = version + 1 WHERE id = ? RETURNING ${SHARE}`
)

const schema = `
  type Share { id: ID! tag: String! price: String! version: Int! }
  type Industry { id: ID! tag: String! name: String! shares: [Share!]! }
  type UserError { code: String! }
  type SharePayload { share: Share errors: [UserError!]! }
  input ShareUpdateInput { id: ID! price: String! expectedVersion: Int }
  type Query { share(id: ID!): Share industry(id: ID!): Industry industries(limit: Int! = 100): [Industry!] }
  type Mutation { shareUpdate(input: ShareUpdateInput!): SharePayload }
`

const resolvers = {
  Query: {
    share: (_, { id }) => share.get(id),
    industry: (_, { id }) => industry.get(id),
    industries: (_, { limit }) => industries.all(limit)
  },
  Industry: { shares: ({ id }) => shares.all(id) },
  Mutation: {
    shareUpdate: (_, { input }) => ({
      share: update.get(Math.round(Number(input.price) * 10_000), input.id),
      errors: []
    })
  }
}

const verify = createVerifier({
  key: settings.BENCHMARK_SECRET,
  algorithms: ['HS256'],
  allowedIss: settings.BENCHMARK_ISSUER,
  allowedAud: settings.BENCHMARK_AUDIENCE,
  cache: settings.BENCHMARK_TOKEN_CACHE === 'yes'
})

const server = Fastify()
server.addHook('onRequest', (request, reply, done) => {
  try {
    verify((request.headers.authorization ?? '').slice('Bearer '.length))
  } catch {
    reply.code(401).send({ errors: [{ message: 'UNAUTHENTICATED' }] })
    return
  }
  done()
})
server.register(mercurius, { schema, resolvers, jit: 1 })
await server.listen({ host: '127.0.0.1', port: Number(settings.BENCHMARK_PORT) })
