-- Asks Tollgate about a call, through `listen tollgate` of haproxy.cfg, which has the address, the
-- credentials and the time-out. The action `lua.tollgate` notes what Tollgate says of an allowed call
-- in variables `txn.tollgate_*`, and passes a refusal on to the end client.

-- What the end client sees of a refusal.
local PASSED_ON = {
  "content-type", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy",
  "x-decision-id", "x-reason",
}
-- What haproxy.cfg makes headers of when a call is allowed.
local NOTED = {
  ["x-client-id"] = "txn.tollgate_client_id",
  ["x-scopes"] = "txn.tollgate_scopes",
  ["x-user-id"] = "txn.tollgate_user_id",
  ["x-priority"] = "txn.tollgate_priority",
  ["x-decision-id"] = "txn.tollgate_decision_id",
  ["ratelimit"] = "txn.tollgate_rate_limit",
  ["ratelimit-policy"] = "txn.tollgate_rate_limit_policy",
}

-- The values of a header, which HAProxy counts from 0; nil when there are none.
local function values(headers, name)
  local found = headers[name]
  if found == nil then return nil end
  local list = {}
  while found[#list] ~= nil do list[#list + 1] = found[#list] end
  return list
end

local function ask(txn)
  local headers = txn.http:req_get_headers()
  return core.httpclient():get({
    url = "http://tollgate/forward-auth/haproxy",
    dst = "abns@tollgate",
    headers = {
      ["x-original-method"] = { txn.f:method() },
      ["x-original-uri"] = { txn.f:pathq() },
      ["x-real-ip"] = { txn.f:src() },
      ["authorization"] = values(headers, "authorization"),
      ["x-api-key"] = values(headers, "x-api-key"),
    },
  })
end

local function note(txn, headers)
  for name, variable in pairs(NOTED) do
    local value = values(headers, name)
    if value ~= nil then txn:set_var(variable, value[1]) end
  end
  txn:set_var("txn.tollgate_allowed", true)
end

local function refuse(txn, answer)
  local reply = txn:reply({ status = answer.status, body = answer.body })
  for _, name in ipairs(PASSED_ON) do
    for _, value in ipairs(values(answer.headers, name) or {}) do
      reply:add_header(name, value)
    end
  end
  txn:done(reply)
end

core.register_action("tollgate", { "http-req" }, function(txn)
  local asked, answer = pcall(ask, txn)
  if not asked or answer == nil or answer.headers == nil then return end
  if answer.status == 200 then
    note(txn, answer.headers)
  elseif answer.headers["x-reason"] ~= nil then
    refuse(txn, answer)
  end
  -- haproxy.cfg refuses what is neither: nothing was said that allows the call.
end)
